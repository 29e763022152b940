// A client has proved who it is; would the server let its role in, too? Else it would log in by connections
// that were opened when that was so (CVE-2025-2291). Thread rule: the session's worker.
#pragma once

#include "proxy/entry/session_parts.hpp"
#include "proxy/login/client_login.hpp"
#include "proxy/net/task.hpp"

namespace pgweir {

// `reply` is the last word of the authentication, which is not said to whom is refused.
Task<ClientLogin::Step> check_role(SessionParts& parts, ClientLogin& login, ByteBuffer& reply);

}  // namespace pgweir
