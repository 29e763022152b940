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

// Keeps the whole pool alive. The coroutines of its parts hold it.
using PoolCoreRef = std::shared_ptr<PoolCore>;

// Where and how a login is to go, as configured at this moment.
struct LoginPlan {
  std::shared_ptr<const PoolTarget> target;
  std::shared_ptr<const config::Pool> settings;
  std::uint64_t generation = 0;  // of the backend that the login opens
};

struct PoolCore {
  // `commons`: those of the pool that owns this core.
  PoolCore(PoolCommons& commons, const PoolContext& context, PoolTarget target, const config::Pool& settings);

  PoolCoreRef ref() { return {commons.shared_from_this(), this}; }
  LoginPlan plan() const;

  // This and all functions below need the mutex. Applies another configuration: is it another password, or
  // another server? Backends that a fresh login would make different are replaced as they come back.
  void change_to(PoolTarget target, const config::Pool& settings);
  // The pool is no longer configured, for good: its password is forgotten, and backends are closed as they
  // come back.
  void retire();
  // Whether the configured server has ever accepted a login.
  bool was_let_in() const { return commons.logins().baseline() != nullptr; }
  // Whether the server refuses logins for good and there is no backend, so that waiting is of no use.
  bool refuses() const;
  // Tells the waiter what it was granted. The waiter may vanish as soon as the mutex is open.
  void hand_over(Backend& backend, const Waiter& waiter, Worker& here);
  // Wakes all waiters; they look at Pool::refusal() and give up.
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
