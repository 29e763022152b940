// Starts a coroutine that nobody waits for.
#pragma once

#include <utility>

#include "proxy/net/task.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {

// Any thread; it begins soon on the worker's, never inside this call.
inline void spawn(Worker& worker, Task<void> coroutine) {
  worker.post([&worker, task = std::move(coroutine)]() mutable { worker.tasks().start(std::move(task)); });
}

}  // namespace pgweir
