// How a backend comes back to its pool: to the oldest waiter, to the idle ones, on an errand, or it leaves.
// Thread rule: any worker's thread; `here` is the caller's worker.
#pragma once

#include "proxy/pool/pool_core.hpp"

namespace pgweir {

// The backend must be settled and clean, and no Waker may watch it.
void give_back(PoolCore& core, Backend& backend, Worker& here);

}  // namespace pgweir
