// The pool of a user who is not in the file. Its password is what a client has told and the server has taken,
// by a login that takes a place in this pool and stays in it. A pool that has not seen one yet is a
// candidate: nobody but its proofs knows of it, and it goes with them.
#include "proxy/backend/default_role.hpp"
#include "proxy/backend/pool_login.hpp"
#include "proxy/base/log.hpp"
#include "proxy/base/session_waker.hpp"
#include "proxy/pool/pool.hpp"
#include "proxy/pool/pool_host.hpp"
#include "proxy/worker/connect.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {
namespace {

// How often a proof looks for a place in a full pool.
constexpr std::chrono::milliseconds place_interval{20};

constexpr char no_place[] = "no server connection became free in time";
constexpr char no_question[] = "the server lets this user in without asking for a password";
constexpr char not_taken[] = "this database does not take such users any more, or there are too many pools";

PasswordVerdict judge(const Opened& opened) {
  using Kind = PasswordVerdict::Kind;
  if (!opened.backend)
    return {refuses_password(opened.refusal) ? Kind::wrong : Kind::unknown, opened.refusal.message};
  // By trust or a certificate of ours any password would do.
  if (!opened.backend->proved_password) return {Kind::unknown, no_question};
  return {Kind::right};
}

}  // namespace

bool Pool::knows_password(const PasswordDigest& digest, TimePoint now, std::chrono::milliseconds recheck) {
  const std::lock_guard lock(mutex_);
  if (retired_ || standing_.verdict(now, true) != RoleVerdict::may) return false;
  const PoolCounts counts = state_.counts();
  // There is no place for a login; the connections that are lent out are the server's word that it is there.
  const bool full = counts.idle == 0 && counts.borrowed >= state_.limits().max_size;
  return passing_.knows(digest, now, full ? 2 * recheck : recheck);
}

Task<> Pool::prove(Worker& here, std::shared_ptr<Pool> /*self*/, config::Secret password,
                   PasswordDigest digest, PasswordProofs::Ref proof) {
  PasswordVerdict judgement{PasswordVerdict::Kind::unknown, no_place};
  const bool placed = co_await take_place(here);
  if (placed) judgement = co_await judge_by_login(here, std::move(password), digest);
  using Kind = PasswordVerdict::Kind;
  const bool unknown = judgement.kind == Kind::unknown;
  (unknown ? log::warning : log::info)("password_judged",
                                       {{"database", database_},
                                        {"user", user_},
                                        {"result", judgement.kind == Kind::right   ? "right"
                                                   : judgement.kind == Kind::wrong ? "wrong"
                                                                                   : "unknown"},
                                        {"message", judgement.message}});
  const std::vector<SessionAddress> waiting = context_.proofs.finish(proof, std::move(judgement), here.now());
  for (const SessionAddress& who : waiting) context_.sessions.wake(who, here);
}

Task<bool> Pool::take_place(Worker& here) {
  const TimePoint until = here.now() + settings()->borrow_timeout;
  for (;;) {
    PoolMember* leaves = nullptr;
    {
      const std::lock_guard lock(mutex_);
      if (retired_) co_return false;
      if (state_.begin_proof()) co_return true;
      leaves = state_.make_room();
    }
    if (leaves != nullptr) see_off_later(backend_of(*leaves), BackendClose::surplus, here);
    if (here.now() >= until) co_return false;
    TimedWaker clock(here, place_interval);
    co_await clock.waker().wait();
  }
}

Task<PasswordVerdict> Pool::judge_by_login(Worker& here, config::Secret password, PasswordDigest digest) {
  PoolTarget made;
  std::shared_ptr<const config::Pool> settings;
  std::uint64_t generation = 0;
  {
    const std::lock_guard lock(mutex_);
    made = *target_;
    settings = settings_;
    generation = state_.generation();
  }
  made.password = std::move(password);
  const auto target = std::make_shared<const PoolTarget>(std::move(made));
  // The pool's own keys are those of the password that is known.
  Opened login = co_await log_in(here, context_.aws, target, settings, std::make_shared<ScramKeyCache>());
  Opened opened = co_await learn_default_role(here, std::move(login), settings->connect_timeout);
  PasswordVerdict judgement = judge(opened);
  const bool right = judgement.kind == PasswordVerdict::Kind::right;
  if (right && !host_.publish(shared_from_this(), target))
    judgement = {PasswordVerdict::Kind::unknown, not_taken};
  take_judgement(judgement, target, digest, here.now());
  if (opened.backend) opened.backend->generation = generation;
  if (judgement.kind == PasswordVerdict::Kind::right) {
    opened_backend(std::move(opened.backend), here);
  } else {
    proof_failed(std::move(opened.backend), here);
  }
  co_return judgement;
}

void Pool::take_judgement(const PasswordVerdict& judgement, const std::shared_ptr<const PoolTarget>& target,
                          const PasswordDigest& digest, TimePoint now) {
  const std::lock_guard lock(mutex_);
  if (judgement.kind == PasswordVerdict::Kind::wrong) passing_.refused(digest);
  if (judgement.kind != PasswordVerdict::Kind::right || retired_) return;
  passing_.proved(digest, now);
  if (target_->password == target->password) return;
  target_ = target;
  outcomes_.forget_refusal();
}

// `backend`: one that came by another way than the password; null: there is none.
void Pool::proof_failed(std::shared_ptr<Backend> backend, Worker& here) {
  {
    const std::lock_guard lock(mutex_);
    if (backend) {
      members_.emplace(backend.get(), backend);
      state_.begin_leaving_unused(*backend);
    } else {
      state_.proof_failed();
    }
  }
  if (backend) see_off_later(*backend, BackendClose::surplus, here);
  open_missing(here);
}

// A login with the pool's own password has succeeded, or was refused.
void Pool::note_login(const std::shared_ptr<const PoolTarget>& target, const Opened& opened, TimePoint now) {
  const std::lock_guard lock(mutex_);
  if (target_ != target) return;
  if (opened.backend && opened.backend->proved_password) passing_.renew(now);
  if (!opened.backend && refuses_password(opened.refusal)) passing_.forget();
}

void Pool::pass_through(PoolTarget target, config::Pool settings, std::chrono::milliseconds forget_after) {
  const std::lock_guard lock(mutex_);
  target.password = target_->password;
  // The server that is meant now has not taken this password yet.
  if (!(*target_ == target)) passing_.forget();
  change_to(std::move(target), settings);
  passing_.begin(Clock::now(), forget_after);
}

bool Pool::passes_through() const {
  const std::lock_guard lock(mutex_);
  return passing_.is_on();
}

bool Pool::is_unused(TimePoint now) {
  const bool used = has_clients();
  const std::lock_guard lock(mutex_);
  return passing_.is_unused(now, used);
}

// Under the mutex.
void Pool::forget_password() {
  if (!passing_.is_on()) return;
  passing_.forget();
  PoolTarget without = *target_;
  without.password = {};
  target_ = std::make_shared<const PoolTarget>(std::move(without));
  scram_keys_->forget();
}

}  // namespace pgweir
