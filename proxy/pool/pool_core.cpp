#include "proxy/pool/pool_core.hpp"

#include "proxy/state/schema_version.hpp"
#include "proxy/worker/session_waker.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {
namespace {

PoolLimits limits_of(const config::Pool& settings) {
  return {settings.min_size, settings.max_size, settings.max_logins, settings.idle_timeout};
}

std::shared_ptr<SchemaVersion> schema_of(const PoolContext& context, const PoolTarget& target) {
  return context.schemas.of(target.address.host, target.address.port, target.dbname);
}

}  // namespace

PoolCore::PoolCore(PoolCommons& pool_commons, const PoolContext& pool_context, PoolTarget first_target,
                   const config::Pool& first_settings)
    : commons(pool_commons),
      context(pool_context),
      hubs(pool_context.workers, pool_context.notifications),
      state(limits_of(first_settings)),
      settings(std::make_shared<const config::Pool>(first_settings)),
      target(std::make_shared<const PoolTarget>(std::move(first_target))) {
  commons.use_schema(schema_of(context, *target));
}

LoginPlan PoolCore::plan() const {
  const std::lock_guard lock(mutex);
  return {target, settings, state.generation()};
}

void PoolCore::change_to(PoolTarget new_target, const config::Pool& new_settings) {
  state.set_limits(limits_of(new_settings));
  settings = std::make_shared<const config::Pool>(new_settings);
  const std::shared_ptr<const PoolTarget> before = target;
  if (*before == new_target) return;
  target = std::make_shared<const PoolTarget>(std::move(new_target));
  const bool other_user = before->user != target->user;
  if (target->is_rotated_from(*before)) {
    // Another user on the server may have other settings.
    if (other_user) {
      commons.logins().forget();
      standing.forget();
    }
    outcomes.other_password();
    return;
  }
  const bool moved = !(before->address == target->address) || before->dbname != target->dbname || other_user;
  if (moved) hubs.retire();
  const std::shared_ptr<SchemaVersion> version = schema_of(context, *target);
  commons.use_schema(version);
  version->change();
  state.recycle();
  commons.logins().forget_all();
  standing.forget();
  outcomes.other_server();
}

void PoolCore::retire() {
  retired = true;
  if (passing.is_on()) {
    passing.forget();
    PoolTarget without = *target;
    without.password = {};
    target = std::make_shared<const PoolTarget>(std::move(without));
    commons.scram_keys()->forget();
  }
  hubs.close();
  state.set_limits({});  // the size is 0, so that each backend that comes back is surplus
  state.recycle();
  outcomes.refuse(
      {"", "this database or user is no longer configured", true, BackendLoginResult::refused, true});
}

// While there are backends, one of them will come back: the clients that are there go on, although the role
// may not log in any more.
bool PoolCore::refuses() const {
  const PoolCounts counts = state.counts();
  return outcomes.refusal() && (retired || counts.idle + counts.borrowed == 0);
}

void PoolCore::hand_over(Backend& backend, const Waiter& waiter, Worker& here) {
  if (waiter.worker != here.index()) backend.transport.detach();
  context.sessions.wake({waiter.worker, waiter.session}, here);
}

void PoolCore::wake_waiters(Worker& here) {
  for (const Waiter* waiter = state.oldest_waiter(); waiter != nullptr; waiter = waiter->next)
    context.sessions.wake({waiter->worker, waiter->session}, here);
}

}  // namespace pgweir
