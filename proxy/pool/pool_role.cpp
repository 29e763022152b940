#include "proxy/pool/pool_role.hpp"

#include "protocol/frontend.hpp"
#include "proxy/backend/reported_parameters.hpp"
#include "proxy/backend/role_question.hpp"
#include "proxy/base/log.hpp"
#include "proxy/pool/idle_backend.hpp"
#include "proxy/pool/pool_supply.hpp"
#include "proxy/state/prelude.hpp"
#include "proxy/worker/connect.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {
namespace {

// A backend that takes longer to answer is given up: it would be of no use to a client either.
constexpr std::chrono::milliseconds role_answer_timeout{3'000};

// No setting of the last client's is in force when the question is asked. Returns how many queries went out.
unsigned send_question(Backend& backend, const MapRef& no_settings) {
  ByteBuffer out;
  const Prelude reset = make_prelude(*backend.applied, *no_settings);
  if (!reset.sql.empty()) write_query(out, reset.sql);
  write_query(out, role_question);
  backend.backlog.append(out);
  // A Query drops the unnamed statement.
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
    if (!take_parameter(backend, piece.body(), memo, parameter)) return RoleReply::Step::broken;
  }
  if (status == FrameStatus::error) return RoleReply::Step::broken;
  backend.carry = ByteBuffer(input.begin(), input.end());
  return step;
}

void take_answer(PoolCore& core, const RoleAnswer& answer, Worker& here) {
  RoleVerdict before{};
  RoleVerdict after{};
  {
    const std::lock_guard lock(core.mutex);
    before = core.standing.verdict(here.now(), true);
    core.standing.take(answer);
    after = core.standing.verdict(here.now(), true);
  }
  if (before == after) return;
  log::info(
      "role_changed",
      {{"database", core.commons.database()}, {"user", core.commons.user()}, {"state", to_string(after)}});
}

// Nothing is set on the backend, and it reports something else than after its login: the server's configuration was
// reloaded, or a standby promoted. It reports that with its next answer, so that clients which only log in would be told the
// old values for as long as they ask nothing.
void take_parameters(PoolCore& core, const Backend& backend) {
  if (same(backend.parameters, backend.login_parameters)) return;
  {
    const std::lock_guard lock(core.mutex);
    core.state.recycle();
  }
  core.commons.logins().forget();
  log::info("server_defaults_changed",
            {{"database", core.commons.database()}, {"user", core.commons.user()}});
}

void put_back(PoolCore& core, Backend& backend, Worker& here) {
  std::optional<BackendClose> leaves;
  {
    const std::lock_guard lock(core.mutex);
    core.state.end_errand();
    leaves = core.state.must_leave(backend, here.now());
    const Waiter* const waiter = leaves ? nullptr : core.state.put_back(backend);
    if (waiter != nullptr) core.hand_over(backend, *waiter, here);
  }
  if (leaves) give_up(core, backend, *leaves, here);
}

}  // namespace

bool begin_role_check(PoolCore& core, const Backend& backend, TimePoint now) {
  if (core.retired || core.state.paused()) return false;
  if (!core.standing.is_due(now, core.settings->role_check_interval)) return false;
  if (backend.generation != core.state.generation() || backend.login_user != core.target->user) return false;
  core.standing.begin(now);
  core.state.begin_errand();
  return true;
}

Task<> ask_role(Worker& here, PoolCoreRef core, std::shared_ptr<Backend> backend) {
  Transport& transport = backend->transport;
  TimedWaker clock(here, role_answer_timeout);
  bool alive = settle_here(*backend, here);
  if (alive) transport.watch(&clock.waker());
  RoleReply reply(backend->login_user, send_question(*backend, core->commons.no_settings()));
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
  take_answer(*core, done ? reply.answer() : RoleAnswer(), here);
  if (!done) {
    {
      const std::lock_guard lock(core->mutex);
      core->state.end_errand();
    }
    const bool is_broken = step == RoleReply::Step::broken;
    co_return give_up(*core, *backend, is_broken ? BackendClose::not_clean : BackendClose::lost, here);
  }
  backend->statements.end_unnamed(nullptr, Outcome::done);
  backend->applied = core->commons.no_settings();
  take_parameters(*core, *backend);
  put_back(*core, *backend, here);
}

}  // namespace pgweir
