// Asks whether the server would still let the pool's role in. An idle backend is asked, or one that comes
// back when none is idle. What is known is RoleStanding's.
#pragma once

#include <memory>

#include "proxy/net/task.hpp"
#include "proxy/pool/pool_core.hpp"

namespace pgweir {

// Needs the mutex. Whether this backend is to be asked now: it is then away on an errand until ask_role()
// ends that.
[[nodiscard]] bool begin_role_check(PoolCore& core, const Backend& backend, TimePoint now);
// Asks the backend, and brings it back to the pool.
Task<> ask_role(Worker& here, PoolCoreRef core, std::shared_ptr<Backend> backend);

}  // namespace pgweir
