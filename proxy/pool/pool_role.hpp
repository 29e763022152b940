// The pool and its role: is the server still willing to let it in? A backend that nobody uses is asked, or
// one that comes back where none is idle. What is known is RoleStanding's.
// Thread rule: any worker's thread; `here` is the caller's worker.
#pragma once

#include <memory>

#include "proxy/net/task.hpp"
#include "proxy/pool/pool_core.hpp"

namespace pgweir {

// Under the mutex. Is this backend to be asked now? It is away on an errand then, until ask_role() ends that.
[[nodiscard]] bool begin_role_check(PoolCore& core, const Backend& backend, TimePoint now);
// Asks it, and brings it back to the pool.
Task<> ask_role(Worker& here, PoolCoreRef core, std::shared_ptr<Backend> backend);

}  // namespace pgweir
