// What the parts of one pool work on: Pool itself lends backends, pool_return takes them back, pool_supply
// opens and closes them, pool_role asks them about their role, pool_proof proves passwords by opening one,
// pool_cancel and pool_upkeep see to them.
//
// The mutex guards all that is declared below it, and nothing else. It is held for a look, a push or a pop:
// nothing is sent, received, allocated or logged under it on the path of a query. Those of its objects that
// decide something (PoolState, LoginOutcomes, RoleStanding, PassThrough) are pure and tested without it. What
// is above the mutex guards itself.
// Thread rule: any thread; `here` is the caller's worker.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "config/settings.hpp"
#include "proxy/backend/opener.hpp"
#include "proxy/backend/role_standing.hpp"
#include "proxy/pool/login_outcomes.hpp"
#include "proxy/pool/pass_through.hpp"
#include "proxy/pool/pool_commons.hpp"
#include "proxy/pool/pool_context.hpp"
#include "proxy/pool/pool_hubs.hpp"
#include "proxy/pool/pool_state.hpp"

namespace pgweir {

struct PoolCore;

// Keeps the whole pool alive: what a coroutine of its parts holds.
using PoolCoreRef = std::shared_ptr<PoolCore>;

// What a login is to go to, as is meant at this moment.
struct LoginPlan {
  std::shared_ptr<const PoolTarget> target;
  std::shared_ptr<const config::Pool> settings;
  std::uint64_t generation = 0;  // of the backend that comes of it
};

struct PoolCore {
  // `commons`: of the pool that owns this.
  PoolCore(PoolCommons& commons, const PoolContext& context, PoolTarget target, const config::Pool& settings);

  PoolCoreRef ref() { return {commons.shared_from_this(), this}; }
  LoginPlan plan() const;

  // Under the mutex, as all that follow. Another configuration: is it another password, or another server?
  // Backends that would be other ones after a fresh login are replaced as they come back.
  void change_to(PoolTarget target, const config::Pool& settings);
  // No longer configured, for good: the password is forgotten, and whoever comes back is closed.
  void retire();
  // The server that is meant has let us in some time.
  bool was_let_in() const { return commons.logins().baseline() != nullptr; }
  // The server lets nobody in for good, and there is no backend, so that waiting is of no use.
  bool refuses() const;
  // Tells the waiter what it was granted. It may vanish as soon as the mutex is open.
  void hand_over(Backend& backend, const Waiter& waiter, Worker& here);
  // They look at Pool::refusal() and give up.
  void wake_waiters(Worker& here);

  PoolCommons& commons;
  const PoolContext context;
  PoolHubs hubs;

  mutable std::mutex mutex;
  PoolState state;
  std::unordered_map<PoolMember*, std::shared_ptr<Backend>> members;
  std::shared_ptr<const config::Pool> settings;
  std::shared_ptr<const PoolTarget> target;
  LoginOutcomes outcomes;
  RoleStanding standing;
  PassThrough passing;
  TimePoint code_since{};  // when what is known of functions was last forgotten for its age
  bool retired = false;
};

}  // namespace pgweir
