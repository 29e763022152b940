// Opens a backend for a pool: what is needed besides open_backend() when the password is kept elsewhere, or
// made for each login. Thread rule: the worker's thread.
#pragma once

#include "proxy/backend/opener.hpp"

namespace pgweir {

namespace aws {
class Aws;
}

// The refusals are invalid_password, and invalid_authorization_specification, with which IAM's PAM module,
// NOLOGIN and pg_hba.conf end.
bool refuses_password(const ServerRefusal& refusal);

// When a server refuses a password, a new one may have been set a moment ago: other versions of the secret,
// or a fresh token, are tried before the refusal counts.
Task<Opened> log_in(Worker& here, aws::Aws& aws, std::shared_ptr<const PoolTarget> target,
                    std::shared_ptr<const config::Pool> settings, std::shared_ptr<ScramKeyCache> keys);

}  // namespace pgweir
