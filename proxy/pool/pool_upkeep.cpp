#include "proxy/pool/pool_upkeep.hpp"

#include <vector>

#include "proxy/base/log.hpp"
#include "proxy/pool/idle_backend.hpp"
#include "proxy/pool/pool_return.hpp"
#include "proxy/pool/pool_role.hpp"
#include "proxy/pool/pool_supply.hpp"
#include "proxy/worker/spawn.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {
namespace {

// What a round has found. All but those that leave count as borrowed until they are given back.
struct Round {
  std::vector<LeavingMember> leaving;
  std::vector<PoolMember*> speaking;  // idle backends that have said something: usually their last words
  std::vector<PoolMember*> asked;     // about the role
  bool code_is_old = false;
};

Round look(PoolCore& core, Worker& here) {
  Round round;
  const std::lock_guard lock(core.mutex);
  core.state.take_expired(here.now(), round.leaving);
  if (core.refuses()) core.wake_waiters(here);
  round.code_is_old = here.now() - core.code_since >= FunctionTable::age_max;
  if (round.code_is_old) core.code_since = here.now();
  core.state.take_idle_if(
      [&here](const PoolMember& m) {
        return m.worker == here.index() && static_cast<const Backend&>(m).transport.readable();
      },
      round.speaking);
  core.state.take_idle_if(
      [&](const PoolMember& m) {
        return round.asked.empty() && m.worker == here.index() &&
               begin_role_check(core, static_cast<const Backend&>(m), here.now());
      },
      round.asked);
  return round;
}

void listen_to(PoolCore& core, Backend& backend, Worker& here) {
  const std::optional<BackendClose> reason = absorb_idle_input(backend, here);
  if (!reason) return give_back(core, backend, here);
  log::info("backend_lost", {{"database", core.commons.database()},
                             {"user", core.commons.user()},
                             {"pid", std::to_string(backend.pid)},
                             {"state", "idle"},
                             {"reason", to_string(*reason)}});
  give_up(core, backend, *reason, here);
}

}  // namespace

void keep_up(PoolCore& core, Worker& here) {
  const Round round = look(core, here);
  if (round.code_is_old) core.commons.code().forget();
  for (const LeavingMember& each : round.leaving) see_off(core, backend_of(*each.member), each.reason, here);
  for (PoolMember* const member : round.asked)
    spawn(here, ask_role(here, core.ref(), backend_of(*member).shared_from_this()));
  for (PoolMember* const member : round.speaking) listen_to(core, backend_of(*member), here);
  open_missing(core, here);
}

}  // namespace pgweir
