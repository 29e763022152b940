#include "proxy/pool/pool_proof.hpp"

#include "proxy/backend/default_role.hpp"
#include "proxy/backend/pool_login.hpp"
#include "proxy/base/log.hpp"
#include "proxy/pool/pool_supply.hpp"
#include "proxy/worker/connect.hpp"
#include "proxy/worker/session_waker.hpp"
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
  // With trust or a client certificate of pgweir's, any password would do.
  if (!opened.backend->proved_password) return {Kind::unknown, no_question};
  return {Kind::right};
}

std::string_view word_of(PasswordVerdict::Kind kind) {
  switch (kind) {
    case PasswordVerdict::Kind::right:
      return "right";
    case PasswordVerdict::Kind::wrong:
      return "wrong";
    case PasswordVerdict::Kind::unknown:
      break;
  }
  return "unknown";
}

// Waits for a place. True: there is one for the login, which counts as opening.
Task<bool> take_place(Worker& here, PoolCore& core) {
  const TimePoint until = here.now() + core.plan().settings->borrow_timeout;
  for (;;) {
    PoolMember* leaves = nullptr;
    {
      const std::lock_guard lock(core.mutex);
      if (core.retired) co_return false;
      if (core.state.begin_proof()) co_return true;
      leaves = core.state.make_room();
    }
    if (leaves != nullptr) see_off(core, backend_of(*leaves), BackendClose::surplus, here);
    if (here.now() >= until) co_return false;
    TimedWaker clock(here, place_interval);
    co_await clock.waker().wait();
  }
}

void take_judgement(PoolCore& core, const PasswordVerdict& judgement,
                    const std::shared_ptr<const PoolTarget>& target, const PasswordDigest& digest,
                    TimePoint now) {
  const std::lock_guard lock(core.mutex);
  if (judgement.kind == PasswordVerdict::Kind::wrong) core.passing.refused(digest);
  if (judgement.kind != PasswordVerdict::Kind::right || core.retired) return;
  core.passing.proved(digest, now);
  if (core.target->password == target->password) return;
  core.target = target;
  core.outcomes.forget_refusal();
}

// `backend`: one that logged in without proving the password; null: there is none.
void end_in_vain(PoolCore& core, std::shared_ptr<Backend> backend, Worker& here) {
  {
    const std::lock_guard lock(core.mutex);
    if (backend) {
      core.members.emplace(backend.get(), backend);
      core.state.begin_leaving_unused(*backend);
    } else {
      core.state.proof_failed();
    }
  }
  if (backend) see_off(core, *backend, BackendClose::surplus, here);
  open_missing(core, here);
}

Task<PasswordVerdict> judge_by_login(Worker& here, PoolCore& core, config::Secret password,
                                     PasswordDigest digest, const PublishPool& publish) {
  const LoginPlan plan = core.plan();
  PoolTarget made = *plan.target;
  made.password = std::move(password);
  const auto target = std::make_shared<const PoolTarget>(std::move(made));
  // The pool's own key cache belongs to the known password.
  const auto keys = std::make_shared<ScramKeyCache>();
  Opened login = co_await log_in(here, core.context.aws, target, plan.settings, keys);
  Opened opened = co_await learn_default_role(here, std::move(login), plan.settings->connect_timeout);
  PasswordVerdict judgement = judge(opened);
  if (judgement.kind == PasswordVerdict::Kind::right && !publish(target))
    judgement = {PasswordVerdict::Kind::unknown, not_taken};
  take_judgement(core, judgement, target, digest, here.now());
  if (opened.backend) opened.backend->generation = plan.generation;
  if (judgement.kind == PasswordVerdict::Kind::right) {
    let_in(core, std::move(opened.backend), here);
  } else {
    end_in_vain(core, std::move(opened.backend), here);
  }
  co_return judgement;
}

}  // namespace

Task<> prove_password(Worker& here, PoolCoreRef core, config::Secret password, PasswordDigest digest,
                      PasswordProofs::Ref proof, PublishPool publish) {
  PasswordVerdict judgement{PasswordVerdict::Kind::unknown, no_place};
  const bool placed = co_await take_place(here, *core);
  if (placed) judgement = co_await judge_by_login(here, *core, std::move(password), digest, publish);
  const bool unknown = judgement.kind == PasswordVerdict::Kind::unknown;
  (unknown ? log::warning : log::info)("password_judged", {{"database", core->commons.database()},
                                                           {"user", core->commons.user()},
                                                           {"result", word_of(judgement.kind)},
                                                           {"message", judgement.message}});
  const std::vector<SessionAddress> waiting =
      core->context.proofs.finish(proof, std::move(judgement), here.now());
  for (const SessionAddress& who : waiting) core->context.sessions.wake(who, here);
}

}  // namespace pgweir
