// Starts a coroutine that nobody waits for. An exception that leaves it is a bug of ours or the end of
// memory: it is logged, and the process ends, because what the coroutine owned is in an unknown state.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <exception>

#include "proxy/log.hpp"

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

inline void spawn(boost::asio::io_context& io, boost::asio::awaitable<void> coroutine) {
  boost::asio::co_spawn(io, std::move(coroutine), end_on_exception);
}

}  // namespace pgweir
