// Logs in over a Wire, and asks single questions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "proxy/backend/backend_login.hpp"
#include "proxy/doctor/wire.hpp"

namespace pgweir::doctor {

using Rows = std::vector<std::vector<std::string>>;  // NULL reads as empty

struct LoginAs {
  const std::string& user;
  const std::string& password;
  const std::string& database;
  BackendLogin::Cleartext cleartext;  // whether the server may be told the password itself
};
// nullopt: logged in. A refusal without SQLSTATE is pgweir's own, or the connection has ended.
std::optional<ServerRefusal> log_in(Wire& wire, const LoginAs& as, ByteBuffer end_point, Deadline deadline);
// nullopt: the server gave no answer, or an error.
std::optional<Rows> ask(Wire& wire, std::string_view sql, Deadline deadline);

}  // namespace pgweir::doctor
