// The pool and its role: is the server still willing to let it in? A backend that nobody uses is asked, or
// one that comes back where none is idle.
#include "protocol/backend.hpp"
#include "protocol/frontend.hpp"
#include "protocol/sqlstate.hpp"
#include "proxy/backend/role_question.hpp"
#include "proxy/base/log.hpp"
#include "proxy/pool/pool.hpp"
#include "proxy/state/prelude.hpp"
#include "proxy/worker/connect.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {
namespace {

// A backend that takes longer to answer is given up, for it would be of no use to a client either.
constexpr std::chrono::milliseconds role_answer_timeout{3'000};

// Nothing of the last client's is in force when the question is asked. Returns how many queries went out.
unsigned send_question(Backend& backend, const MapRef& no_settings) {
  ByteBuffer out;
  const Prelude reset = make_prelude(*backend.applied, *no_settings);
  if (!reset.sql.empty()) write_query(out, reset.sql);
  write_query(out, role_question);
  backend.backlog.append(out);
  // As any Query does.
  backend.statements.begin_unnamed(nullptr, 0);
  return reset.sql.empty() ? 1 : 2;
}

RoleReply::Step walk(Backend& backend, RoleReply& reply, SettingsMemo& memo) {
  ByteView input = backend.carry;
  Piece piece;
  FrameStatus status{};
  RoleReply::Step step = RoleReply::Step::go_on;
  while (step == RoleReply::Step::go_on &&
         (status = backend.framer.next(input, piece)) == FrameStatus::piece) {
    if (piece.type != static_cast<char>(BackendType::ParameterStatus)) {
      step = reply.take(piece);
      continue;
    }
    ParameterStatusView parameter;
    if (parse_parameter_status(piece.body(), parameter) != Errc::ok) return RoleReply::Step::broken;
    backend.parameters = memo.with(backend.parameters, parameter.name, parameter.value);
  }
  if (status == FrameStatus::error) return RoleReply::Step::broken;
  backend.carry = ByteBuffer(input.begin(), input.end());
  return step;
}

}  // namespace

RoleVerdict Pool::role_verdict(TimePoint now, bool by_password) const {
  const std::lock_guard lock(mutex_);
  return standing_.verdict(now, by_password);
}

bool Pool::has_backends() const {
  const std::lock_guard lock(mutex_);
  const PoolCounts counts = state_.counts();
  return counts.idle + counts.borrowed > 0;
}

// Before it has ever let us in, the configuration is what is wrong, and clients are told so; so it is where
// we log in by something else than the role's password.
bool Pool::is_shut_out() const {
  const std::lock_guard lock(mutex_);
  const bool by_password = target_->iam_region.empty();
  return !retired_ && by_password && refuses() &&
         outcomes_.refusal()->sqlstate == sqlstate::invalid_password && logins_.baseline() != nullptr;
}

bool Pool::begin_role_check(const Backend& backend, TimePoint now) {
  if (retired_ || state_.paused() || !standing_.is_due(now, settings_->role_check_interval)) return false;
  if (backend.generation != state_.generation() || backend.login_user != target_->user) return false;
  standing_.begin(now);
  state_.begin_errand();
  return true;
}

Task<> Pool::ask_role(Worker& here, std::shared_ptr<Pool> /*self*/, std::shared_ptr<Backend> backend) {
  Transport& transport = backend->transport;
  TimedWaker clock(here, role_answer_timeout);
  bool alive = settle_here(*backend, here);
  if (alive) transport.watch(&clock.waker());
  RoleReply reply(backend->login_user, send_question(*backend, no_settings_));
  RoleReply::Step step = RoleReply::Step::go_on;
  while (alive && step == RoleReply::Step::go_on && !clock.expired()) {
    alive = backend->backlog.flush(transport);
    if (!alive) break;
    const IoResult result = transport.read(here.scratch());
    if (result.status == IoStatus::would_block) {
      co_await clock.waker().wait();
      continue;
    }
    alive = result.status == IoStatus::ok;
    const ByteView fresh = here.scratch().first(alive ? result.size : 0);
    backend->carry.insert(backend->carry.end(), fresh.begin(), fresh.end());
    step = walk(*backend, reply, here.settings_memo());
  }
  if (transport.attached()) transport.watch(nullptr);
  const bool done = step == RoleReply::Step::done;
  take_role_answer(done ? reply.answer() : RoleAnswer(), here);
  if (!done) {
    {
      const std::lock_guard lock(mutex_);
      state_.end_errand();
    }
    co_return discard(*backend,
                      step == RoleReply::Step::broken ? BackendClose::not_clean : BackendClose::lost, here);
  }
  backend->statements.end_unnamed(nullptr, Outcome::done);
  backend->applied = no_settings_;
  put_back(*backend, here);
}

void Pool::take_role_answer(const RoleAnswer& answer, Worker& here) {
  RoleVerdict before{};
  RoleVerdict after{};
  {
    const std::lock_guard lock(mutex_);
    before = standing_.verdict(here.now(), true);
    standing_.take(answer);
    after = standing_.verdict(here.now(), true);
  }
  if (before != after)
    log::info("role_changed", {{"database", database_}, {"user", user_}, {"state", to_string(after)}});
}

void Pool::put_back(Backend& backend, Worker& here) {
  std::optional<BackendClose> leaves;
  {
    const std::lock_guard lock(mutex_);
    state_.end_errand();
    leaves = state_.must_leave(backend, here.now());
    Waiter* const waiter = leaves ? nullptr : state_.put_back(backend);
    if (waiter != nullptr) hand_over(backend, *waiter, here);
  }
  if (leaves) discard(backend, *leaves, here);
}

}  // namespace pgweir
