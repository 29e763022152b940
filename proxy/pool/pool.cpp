#include "proxy/pool/pool.hpp"

#include <algorithm>

#include "protocol/sqlstate.hpp"
#include "proxy/backend/pool_login.hpp"
#include "proxy/pool/idle_backend.hpp"
#include "proxy/pool/pool_host.hpp"
#include "proxy/pool/pool_proof.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {

Pool::Pool(PoolHost& host, const PoolContext& context, const std::string& database, const PoolTarget& target,
           const config::Pool& settings)
    : PoolCommons(context.workers, database, target.user),
      host_(host),
      core_(*this, context, target, settings) {}

// --- Borrowing

Backend* Pool::try_borrow(Worker& here) {
  for (;;) {
    PoolMember* member = nullptr;
    {
      const std::lock_guard lock(core_.mutex);
      member = core_.state.take_idle(here.index());
    }
    if (member == nullptr) return nullptr;
    Backend& backend = backend_of(*member);
    const bool silent = is_silent(backend, here);
    std::optional<BackendClose> unusable;
    if (!settle_here(backend, here)) {
      unusable = BackendClose::lost;
    } else if (!silent) {
      unusable = absorb_idle_input(backend, here);
    }
    if (!unusable) {
      counters(here).borrows.add();
      return &backend;
    }
    discard(backend, *unusable, here);
  }
}

void Pool::wait(Waiter& waiter, Worker& here) {
  waiter.worker = here.index();
  waiter.since = here.now();
  {
    // A backend may have come back since try_borrow().
    const std::lock_guard lock(core_.mutex);
    waiter.granted = core_.state.take_idle(here.index());
    if (waiter.granted == nullptr) core_.state.enqueue(waiter);
    if (!core_.retired) core_.outcomes.forget_old_refusal(here.now());
  }
  if (waiter.granted == nullptr) open_missing(core_, here);
}

void Pool::stop_waiting(Waiter& waiter, Worker& here) {
  PoolMember* granted = nullptr;
  {
    const std::lock_guard lock(core_.mutex);
    core_.state.dequeue(waiter);
    granted = waiter.granted.exchange(nullptr);
  }
  if (granted == nullptr) return;
  if (settle_here(backend_of(*granted), here)) {
    release(backend_of(*granted), here);
  } else {
    discard(backend_of(*granted), BackendClose::lost, here);
  }
}

Backend* Pool::accept_grant(Waiter& waiter, Worker& here) {
  PoolMember* granted = nullptr;
  {
    const std::lock_guard lock(core_.mutex);
    granted = waiter.granted.exchange(nullptr);
  }
  if (granted == nullptr) return nullptr;
  counters(here).borrows.add();
  counters(here).borrow_wait.observe(here.now() - waiter.since);
  Backend& backend = backend_of(*granted);
  if (settle_here(backend, here)) return &backend;
  discard(backend, BackendClose::lost, here);
  return nullptr;
}

bool Pool::all_lent() const {
  const std::lock_guard lock(core_.mutex);
  return core_.state.counts().borrowed >= core_.state.limits().max_size;
}

bool Pool::has_waiters() const {
  const std::lock_guard lock(core_.mutex);
  return core_.state.oldest_waiter() != nullptr;
}

// --- Whether the server accepts logins

std::optional<ServerRefusal> Pool::refusal() const {
  const std::lock_guard lock(core_.mutex);
  return core_.refuses() ? core_.outcomes.refusal() : std::nullopt;
}

RoleVerdict Pool::role_verdict(TimePoint now, bool by_password) const {
  const std::lock_guard lock(core_.mutex);
  return core_.standing.verdict(now, by_password);
}

bool Pool::has_backends() const {
  const PoolCounts all = counts();
  return all.idle + all.borrowed > 0;
}

// If the server has never accepted a login, the configuration is wrong, and clients are told so; likewise
// where pgweir logs in by something else than the role's password.
bool Pool::is_shut_out() const {
  const std::lock_guard lock(core_.mutex);
  const bool by_password = core_.target->iam_region.empty();
  return !core_.retired && by_password && core_.refuses() &&
         core_.outcomes.refusal()->sqlstate == sqlstate::invalid_password && core_.was_let_in();
}

bool Pool::knows_password(const PasswordDigest& digest, TimePoint now, std::chrono::milliseconds recheck) {
  const std::lock_guard lock(core_.mutex);
  if (core_.retired || core_.standing.verdict(now, true) != RoleVerdict::may) return false;
  const PoolCounts counts = core_.state.counts();
  // There is no place for another login; but the connections that are lent out show that the server is there.
  const bool full = counts.idle == 0 && counts.borrowed >= core_.state.limits().max_size;
  return core_.passing.knows(digest, now, full ? 2 * recheck : recheck);
}

Task<> Pool::prove(Worker& here, std::shared_ptr<Pool> self, config::Secret password, PasswordDigest digest,
                   PasswordProofs::Ref proof) {
  PublishPool publish = [&host = host_, pool = std::move(self)](const auto& target) {
    return host.publish(pool, target);
  };
  return prove_password(here, core_.ref(), std::move(password), digest, std::move(proof), std::move(publish));
}

// The hub asks for this on its worker, before each connection.
std::shared_ptr<ListenHub> Pool::hub(const std::string& encoding, Worker& here) {
  return core_.hubs.get(encoding, here, [weak = std::weak_ptr(core_.ref())]() -> HubSource {
    const PoolCoreRef core = weak.lock();
    if (!core) return {};
    LoginPlan plan = core->plan();
    std::shared_ptr<const PoolTarget> target = plan.target;
    return {std::move(target),
            [&aws = core->context.aws, plan = std::move(plan), keys = core->commons.scram_keys()](
                Worker& worker) { return log_in(worker, aws, plan.target, plan.settings, keys); }};
  });
}

// --- Another configuration, and the end

void Pool::reconfigure(PoolTarget target, const config::Pool& settings) {
  const std::lock_guard lock(core_.mutex);
  core_.passing.end();
  core_.change_to(std::move(target), settings);
}

void Pool::pass_through(PoolTarget target, const config::Pool& settings,
                        std::chrono::milliseconds forget_after) {
  const std::lock_guard lock(core_.mutex);
  target.password = core_.target->password;
  // The server of the new target has not taken this password yet.
  if (!(*core_.target == target)) core_.passing.forget();
  core_.change_to(std::move(target), settings);
  core_.passing.begin(Clock::now(), forget_after);
}

bool Pool::passes_through() const {
  const std::lock_guard lock(core_.mutex);
  return core_.passing.is_on();
}

bool Pool::is_unused(TimePoint now) {
  const bool used = has_clients();
  const std::lock_guard lock(core_.mutex);
  return core_.passing.is_unused(now, used);
}

void Pool::recycle() {
  const std::lock_guard lock(core_.mutex);
  core_.state.recycle();
  logins().forget();
}

void Pool::recycle_all() {
  host_.recycle(*this);
}

void Pool::retire() {
  const std::lock_guard lock(core_.mutex);
  core_.retire();
}

void Pool::pause() {
  const std::lock_guard lock(core_.mutex);
  core_.state.recycle();
  core_.state.set_paused(true);
}

void Pool::resume() {
  const std::lock_guard lock(core_.mutex);
  core_.state.set_paused(false);
}

bool Pool::has_outdated() const {
  const std::lock_guard lock(core_.mutex);
  return core_.state.counts().leaving > 0 ||
         std::any_of(core_.members.begin(), core_.members.end(), [this](const auto& entry) {
           return entry.second->generation != core_.state.generation();
         });
}

void Pool::close() {
  const std::lock_guard lock(core_.mutex);
  for (const auto& [member, backend] : core_.members) backend->transport.close();
  core_.members.clear();
}

// --- What the pool tells of itself

ServerAddress Pool::address() const {
  const std::lock_guard lock(core_.mutex);
  return core_.target->address;
}

std::shared_ptr<const config::Pool> Pool::settings() const {
  const std::lock_guard lock(core_.mutex);
  return core_.settings;
}

PoolCounts Pool::counts() const {
  const std::lock_guard lock(core_.mutex);
  return core_.state.counts();
}

PoolFacts Pool::facts() const {
  PoolFacts facts;
  facts.database = database();
  facts.user = user();
  for (const auto& each : all_counters()) facts.clients += each->clients.get();
  const std::lock_guard lock(core_.mutex);
  facts.host = core_.target->address.host;
  facts.port = core_.target->address.port;
  facts.dbname = core_.target->dbname;
  facts.counts = core_.state.counts();
  if (const Waiter* const oldest = core_.state.oldest_waiter()) facts.longest_wait = oldest->since;
  facts.settings = core_.settings;
  facts.paused = core_.state.paused();
  facts.up = core_.was_let_in() && core_.state.failures() == 0;
  facts.retired = core_.retired;
  facts.logins = core_.outcomes.record();
  if (core_.outcomes.refusal()) facts.refusal = core_.outcomes.refusal()->message;
  facts.login_trouble = core_.outcomes.trouble();
  return facts;
}

void Pool::describe_idle(std::vector<ServerFacts>& out) const {
  const std::lock_guard lock(core_.mutex);
  core_.state.for_each_idle([&](const PoolMember& member) {
    out.push_back(facts_of(static_cast<const Backend&>(member)));
    out.back().outdated = member.generation != core_.state.generation();
  });
}

}  // namespace pgweir
