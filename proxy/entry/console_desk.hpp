// Where sessions take the commands of clients that are at the console. Set up by the process before any
// worker runs. Thread rule: any thread for the count; `take` is called on the main thread.
#pragma once

#include <atomic>
#include <functional>

#include "proxy/entry/console_request.hpp"

namespace pgweir {

struct ConsoleDesk {
  // Carries out a command.
  std::function<void(const ConsoleRequest&)> take;
  std::atomic<std::size_t> sessions{0};  // clients that are at the console
};

}  // namespace pgweir
