// A client that is not in the file has told its password, and the server is to judge it. Whatever the pool
// has, nobody logs in without a password that the server has taken. Thread rule: the session's worker.
#pragma once

#include "proxy/entry/session_parts.hpp"
#include "proxy/login/client_login.hpp"
#include "proxy/net/task.hpp"

namespace pgweir {

Task<ClientLogin::Step> prove_password(SessionParts& parts, ClientLogin& login);

}  // namespace pgweir
