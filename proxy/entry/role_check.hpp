// A client has proved who it is; would the server accept its role, too? Otherwise it would get in by
// connections that were opened while its role still might log in (CVE-2025-2291). Thread rule: the session's
// worker.
#pragma once

#include "proxy/entry/session_parts.hpp"
#include "proxy/login/client_login.hpp"
#include "proxy/net/task.hpp"

namespace pgweir {

// `reply` holds the last authentication message, which a refused client does not get.
Task<ClientLogin::Step> check_role(SessionParts& parts, ClientLogin& login, ByteBuffer& reply);

}  // namespace pgweir
