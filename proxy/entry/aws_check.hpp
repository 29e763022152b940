// A login that asks AWS. The worker goes on with other sessions while the AWS thread asks. Thread rule: the
// session's worker.
#pragma once

#include "proxy/entry/session_parts.hpp"
#include "proxy/login/client_login.hpp"
#include "proxy/net/task.hpp"

namespace pgweir {

Task<ClientLogin::Step> check_with_aws(SessionParts& parts, ClientLogin& login, ClientLogin::Step step,
                                       ByteBuffer& reply);

}  // namespace pgweir
