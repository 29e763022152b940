// What a console session sends to the main thread, which answers by Worker::answer_console().
#pragma once

#include <string>

#include "proxy/base/session_address.hpp"

namespace pgweir {

struct ConsoleRequest {
  std::string sql;
  bool may_operate = false;  // admin.console_users; otherwise it may only look
  std::string user;
  std::string peer;
  SessionAddress from;
};

}  // namespace pgweir
