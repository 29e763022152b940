// A client that is not in the file has told its password, and the server is to judge it. Even when the pool
// has connections, no client logs in without a password that the server has accepted. Thread rule: the
// session's worker.
#pragma once

#include "proxy/entry/session_parts.hpp"
#include "proxy/login/client_login.hpp"
#include "proxy/net/task.hpp"

namespace pgweir {

Task<ClientLogin::Step> prove_password(SessionParts& parts, ClientLogin& login);

}  // namespace pgweir
