// What all workers share. It outlives them. Thread rule: any thread.
#pragma once

#include <atomic>
#include <boost/asio/thread_pool.hpp>

#include "proxy/state/settings_map.hpp"

namespace pgweir {

struct WorkerShared {
  Interner interner;
  const MapRef no_settings = interner.intern({});
  std::atomic<bool> draining{false};
  // For what takes milliseconds (PBKDF2), so that no worker's loop stands still.
  boost::asio::thread_pool slow_jobs{1};
};

}  // namespace pgweir
