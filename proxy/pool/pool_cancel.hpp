// Cancel requests to the pool's server.
// Thread rule: the worker of the session that has borrowed the backend.
#pragma once

#include <chrono>
#include <memory>

#include "proxy/pool/pool_core.hpp"

namespace pgweir {

// A cancel request that takes longer is given up, and its backend with it.
constexpr std::chrono::milliseconds cancel_timeout{5'000};

// Sends a cancel request, unless one is on its way. `done` is destroyed when the request has been delivered,
// or has failed. A backend that is given back in the meantime goes to the pool then.
void begin_cancel(PoolCore& core, Backend& backend, Worker& here, std::shared_ptr<void> done);

}  // namespace pgweir
