// Opens a backend for a pool, whose password may be kept elsewhere or be made for the occasion: what that
// takes beside open_backend(). Thread rule: the worker's thread.
#pragma once

#include "proxy/backend/opener.hpp"

namespace pgweir {

namespace aws {
class Aws;
}

// invalid_password; IAM's PAM module, NOLOGIN and pg_hba.conf end with invalid_authorization_specification.
bool refuses_password(const ServerRefusal& refusal);

// A server that refuses a password may have got a new one a moment ago: other versions of the secret, or a
// fresh token, are tried before that is taken for an answer.
Task<Opened> log_in(Worker& here, aws::Aws& aws, std::shared_ptr<const PoolTarget> target,
                    std::shared_ptr<const config::Pool> settings, std::shared_ptr<ScramKeyCache> keys);

}  // namespace pgweir
