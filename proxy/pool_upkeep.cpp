// The pool between queries: the janitor's rounds, what logins are told, reload and the end.
#include "protocol/backend.hpp"
#include "proxy/log.hpp"
#include "proxy/pool.hpp"
#include "proxy/services.hpp"
#include "proxy/worker.hpp"

namespace pgweir {

void Pool::maintain(Worker& here) {
  std::vector<PoolMember*> leaving;
  std::vector<PoolMember*> speaking;
  bool refuses = false;
  bool functions_are_old = false;
  {
    const std::lock_guard lock(mutex_);
    refuses = refusal_.has_value() && state_.oldest_waiter() != nullptr;
    state_.take_expired(here.now(), leaving);
    functions_are_old = here.now() - functions_since_ >= FunctionTable::age_max;
    if (functions_are_old) functions_since_ = here.now();
    // Idle backends that have said something: usually their last words.
    state_.take_idle_if(
        [&here](const PoolMember& m) {
          return m.worker == here.index() && static_cast<const Backend&>(m).transport.readable();
        },
        speaking);
  }
  if (refuses) wake_all_waiters(here);
  if (functions_are_old) forget_functions();
  for (PoolMember* member : leaving) see_off_later(backend_of(*member), here);
  for (PoolMember* member : speaking) {
    Backend& backend = backend_of(*member);
    if (absorb_idle_input(backend, here)) {
      release(backend, here);
      continue;
    }
    counters(here).backends_lost.add();
    log::info(
        "backend_lost",
        {{"database", database_}, {"user", user_}, {"pid", std::to_string(backend.pid)}, {"state", "idle"}});
    discard(backend, here);
  }
  open_missing(here);
}

MapRef Pool::login_parameters(const MapRef& startup) const {
  const std::lock_guard lock(mutex_);
  if (same(startup, no_settings_)) {
    // Defaults have moved: the next backend tells what they are now. As long as all are lent out, a client is
    // told the old ones; the new ones come with its first statement.
    const bool is_current = baseline_generation_ == state_.generation();
    const bool all_lent = state_.counts().borrowed >= state_.limits().max_size;
    return is_current || all_lent ? baseline_ : nullptr;
  }
  const auto it = logins_.find(startup);
  return it == logins_.end() ? nullptr : it->second;
}

void Pool::remember_login(const MapRef& startup, const MapRef& parameters) {
  const std::lock_guard lock(mutex_);
  if (logins_.size() >= logins_max) logins_.clear();
  logins_.insert_or_assign(startup, parameters);
}

void Pool::reconfigure(PoolTarget target, config::Pool settings) {
  const std::lock_guard lock(mutex_);
  state_.set_limits(limits_of(settings));
  settings_ = std::make_shared<const config::Pool>(settings);
  if (*target_ == target) return;
  const bool moved = !(target_->address == target.address) || target_->dbname != target.dbname ||
                     target_->user != target.user;
  if (moved) retire_hubs();
  target_ = std::make_shared<const PoolTarget>(std::move(target));
  state_.recycle();
  baseline_.reset();
  logins_.clear();
  refusal_.reset();
}

void Pool::forget_functions() {
  functions_.forget_all();
  triggers_.forget();
  definitions_.forget();
}

void Pool::recycle() {
  const std::lock_guard lock(mutex_);
  state_.recycle();
  logins_.clear();
}

void Pool::close() {
  const std::lock_guard lock(mutex_);
  for (const auto& [member, backend] : members_) backend->transport.close();
  members_.clear();
}

void Pool::retire() {
  const std::lock_guard lock(mutex_);
  retired_ = true;
  retire_hubs();
  state_.set_limits({});  // of no size: whoever comes back is surplus
  state_.recycle();
  refusal_ = ServerRefusal{"", "this database or user is no longer configured", true};
}

}  // namespace pgweir
