// What the workers share. Built by Server before any worker runs, and destroyed after the last one has
// stopped.
#pragma once

#include <atomic>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <memory>
#include <vector>

#include "proxy/cancel_registry.hpp"
#include "proxy/console/request.hpp"
#include "proxy/login_failures.hpp"
#include "proxy/pool_registry.hpp"
#include "proxy/session_notifier.hpp"
#include "proxy/session_state.hpp"

namespace pgweir {

class Worker;

struct Services {
  Interner interner;
  const MapRef no_settings = interner.intern({});
  CancelRegistry cancels;
  SessionNotifier notifier{*this};
  PoolRegistry pools{*this};
  LoginFailures login_failures;
  // Takes a console's command to the main thread. Any thread.
  std::function<void(ConsoleRequest)> console;
  std::vector<std::unique_ptr<Worker>> workers;
  std::atomic<bool> draining{false};
  // When the certificate that clients are shown expires, in seconds since 1970; 0: there is none.
  std::atomic<std::int64_t> certificate_expires{0};
  // For what takes milliseconds (PBKDF2), so that no worker's loop stands still.
  boost::asio::thread_pool slow_jobs{1};

  // Clients of all workers, those that log in included.
  std::size_t sessions() const;
};

}  // namespace pgweir
