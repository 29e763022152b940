// A login that AWS has a say in. The worker goes on with others while the AWS thread asks. Thread rule: the
// session's worker.
#pragma once

#include "proxy/entry/session_parts.hpp"
#include "proxy/login/client_login.hpp"
#include "proxy/net/task.hpp"

namespace pgweir {

Task<ClientLogin::Step> check_with_aws(SessionParts& parts, ClientLogin& login, ClientLogin::Step step,
                                       ByteBuffer& reply);

}  // namespace pgweir
