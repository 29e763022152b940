#include "proxy/pool/pool_return.hpp"

#include "proxy/pool/pool_role.hpp"
#include "proxy/pool/pool_supply.hpp"
#include "proxy/worker/spawn.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {

void give_back(PoolCore& core, Backend& backend, Worker& here) {
  backend.transport.watch(nullptr);
  if (backend.cancels.hold_back()) return;
  if (backend.cancels.in_doubt()) return give_up(core, backend, BackendClose::cancel_in_doubt, here);
  std::optional<BackendClose> leaves;
  bool asks = false;
  {
    const std::lock_guard lock(core.mutex);
    leaves = core.state.must_leave(backend, here.now());
    asks = !leaves && begin_role_check(core, backend, here.now());
    if (asks) backend.idle_since = here.now();
    const Waiter* const waiter = leaves || asks ? nullptr : core.state.put(backend, here.now(), false);
    if (waiter != nullptr) core.hand_over(backend, *waiter, here);
  }
  if (asks) spawn(here, ask_role(here, core.ref(), backend.shared_from_this()));
  if (leaves) give_up(core, backend, *leaves, here);
}

}  // namespace pgweir
