// The pool between queries: the janitor's rounds, what logins are told, reload and the end.
#include <algorithm>

#include "protocol/backend.hpp"
#include "proxy/base/log.hpp"
#include "proxy/pool/pool.hpp"
#include "proxy/pool/pool_host.hpp"
#include "proxy/worker/spawn.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {

void Pool::maintain(Worker& here) {
  std::vector<LeavingMember> leaving;
  std::vector<PoolMember*> speaking;
  std::vector<PoolMember*> asked;
  bool has_refused = false;
  bool code_is_old = false;
  {
    const std::lock_guard lock(mutex_);
    state_.take_expired(here.now(), leaving);
    has_refused = refuses() && state_.oldest_waiter() != nullptr;
    code_is_old = here.now() - code_since_ >= FunctionTable::age_max;
    if (code_is_old) code_since_ = here.now();
    // Idle backends that have said something: usually their last words.
    state_.take_idle_if(
        [&here](const PoolMember& m) {
          return m.worker == here.index() && static_cast<const Backend&>(m).transport.readable();
        },
        speaking);
    state_.take_idle_if(
        [&](const PoolMember& m) {
          return asked.empty() && m.worker == here.index() &&
                 begin_role_check(static_cast<const Backend&>(m), here.now());
        },
        asked);
  }
  if (has_refused) wake_all_waiters(here);
  if (code_is_old) code_.forget();
  for (const LeavingMember& each : leaving) see_off_later(backend_of(*each.member), each.reason, here);
  for (PoolMember* member : asked)
    spawn(here, ask_role(here, shared_from_this(), backend_of(*member).shared_from_this()));
  for (PoolMember* member : speaking) {
    Backend& backend = backend_of(*member);
    if (absorb_idle_input(backend, here)) {
      release(backend, here);
      continue;
    }
    log::info(
        "backend_lost",
        {{"database", database_}, {"user", user_}, {"pid", std::to_string(backend.pid)}, {"state", "idle"}});
    discard(backend, BackendClose::lost, here);
  }
  open_missing(here);
}

bool Pool::all_lent() const {
  const std::lock_guard lock(mutex_);
  return state_.counts().borrowed >= state_.limits().max_size;
}

void Pool::reconfigure(PoolTarget target, config::Pool settings) {
  const std::lock_guard lock(mutex_);
  passing_.end();
  change_to(std::move(target), settings);
}

// Under the mutex.
void Pool::change_to(PoolTarget target, const config::Pool& settings) {
  state_.set_limits(limits_of(settings));
  settings_ = std::make_shared<const config::Pool>(settings);
  if (*target_ == target) return;
  if (target.is_rotated_from(*target_)) {
    // Another user on the server may have other settings.
    if (target_->user != target.user) {
      logins_.forget();
      standing_.forget();
    }
    target_ = std::make_shared<const PoolTarget>(std::move(target));
    outcomes_.other_password();
    return;
  }
  const bool moved = !(target_->address == target.address) || target_->dbname != target.dbname ||
                     target_->user != target.user;
  if (moved) hubs_.retire();
  target_ = std::make_shared<const PoolTarget>(std::move(target));
  schema_version_ = schema_of(*target_);
  schema_version_->change();
  state_.recycle();
  logins_.forget_all();
  standing_.forget();
  outcomes_.other_server();
}

void Pool::recycle_all() {
  host_.recycle(*this);
}

void Pool::recycle() {
  const std::lock_guard lock(mutex_);
  state_.recycle();
  logins_.forget();
}

void Pool::pause() {
  const std::lock_guard lock(mutex_);
  state_.recycle();
  state_.set_paused(true);
}

void Pool::resume() {
  const std::lock_guard lock(mutex_);
  state_.set_paused(false);
}

bool Pool::has_outdated() const {
  const std::lock_guard lock(mutex_);
  return state_.counts().leaving > 0 ||
         std::any_of(members_.begin(), members_.end(),
                     [this](const auto& entry) { return entry.second->generation != state_.generation(); });
}

PoolFacts Pool::facts() const {
  PoolFacts facts;
  facts.database = database_;
  facts.user = user_;
  for (const auto& counters : counters_) facts.clients += counters->clients.get();
  const std::lock_guard lock(mutex_);
  facts.host = target_->address.host;
  facts.port = target_->address.port;
  facts.dbname = target_->dbname;
  facts.counts = state_.counts();
  if (const Waiter* const oldest = state_.oldest_waiter()) facts.longest_wait = oldest->since;
  facts.settings = settings_;
  facts.paused = state_.paused();
  facts.up = logins_.baseline() != nullptr && state_.failures() == 0;
  facts.logins = outcomes_.record();
  facts.retired = retired_;
  if (outcomes_.refusal()) facts.refusal = outcomes_.refusal()->message;
  facts.login_trouble = outcomes_.trouble();
  return facts;
}

ServerFacts Pool::facts_of(const Backend& backend) const {
  ServerFacts facts;
  facts.user = user_;
  facts.database = database_;
  facts.remote = backend.remote;
  facts.local = backend.local;
  facts.connected = backend.opened;
  facts.request = backend.idle_since;
  facts.pid = backend.pid;
  facts.self = &backend;
  facts.tls = backend.tls;
  facts.being_cancelled = backend.cancels.in_flight();
  facts.prepared_statements = backend.statements.size();
  return facts;
}

void Pool::describe_idle(std::vector<ServerFacts>& out) const {
  const std::lock_guard lock(mutex_);
  state_.for_each_idle([&](const PoolMember& member) {
    out.push_back(facts_of(static_cast<const Backend&>(member)));
    out.back().outdated = member.generation != state_.generation();
  });
}

void Pool::close() {
  const std::lock_guard lock(mutex_);
  for (const auto& [member, backend] : members_) backend->transport.close();
  members_.clear();
}

void Pool::retire() {
  const std::lock_guard lock(mutex_);
  retired_ = true;
  forget_password();
  hubs_.close();
  state_.set_limits({});  // of no size: whoever comes back is surplus
  state_.recycle();
  outcomes_.refuse({"", "this database or user is no longer configured", true});
}

}  // namespace pgweir
