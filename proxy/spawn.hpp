// Starts a coroutine that nobody waits for. An exception that leaves it is a bug of ours or the end of
// memory: it is logged, and the process ends, because what the coroutine owned is in an unknown state.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <cstdlib>
#include <exception>

#include "proxy/log.hpp"
#include "proxy/worker.hpp"

namespace pgweir {

inline void end_on_exception(std::exception_ptr error) {
  if (!error) return;
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    log::error("internal_error", {{"message", e.what()}});
  }
  log::flush();
  std::abort();
}

// On the worker's thread; from any thread.
inline void spawn(Worker& worker, boost::asio::awaitable<void> coroutine) {
  boost::asio::co_spawn(worker.io(), std::move(coroutine), end_on_exception);
  worker.reactor().interrupt();
}

}  // namespace pgweir
