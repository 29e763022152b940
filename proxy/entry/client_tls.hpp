// TLS with a client that has asked for it, or begins with it. Thread rule: the session's worker.
#pragma once

#include "proxy/entry/session_parts.hpp"
#include "proxy/login/client_login.hpp"
#include "proxy/net/task.hpp"

namespace pgweir {

// False: there is no TLS, and the session has ended.
Task<bool> start_client_tls(SessionParts& parts, ClientLogin& login);

}  // namespace pgweir
