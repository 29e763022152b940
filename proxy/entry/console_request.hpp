// What a console session sends to the main thread, which answers by Worker::answer_console().
#pragma once

#include <string>
#include <string_view>

#include "proxy/base/session_address.hpp"

namespace pgweir {

// Whether this is the virtual database that is the console, by pgweir's name or by PgBouncer's.
constexpr bool is_console(std::string_view database) {
  return database == "pgweir" || database == "pgbouncer";
}

struct ConsoleRequest {
  std::string sql;
  bool may_operate = false;  // admin.console_users; otherwise it may only look
  std::string user;
  std::string peer;
  SessionAddress from;
};

}  // namespace pgweir
