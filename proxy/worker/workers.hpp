// All workers of the process. Built before any of them runs; their owner stops and joins them before they go.
// Thread rule: any thread, as each worker allows; the list does not change while one runs.
#pragma once

#include <memory>
#include <vector>

#include "proxy/worker/worker.hpp"

namespace pgweir {

struct Workers {
  WorkerShared shared;
  std::vector<std::unique_ptr<Worker>> list;
};

}  // namespace pgweir
