#include "proxy/pool/pool_supply.hpp"

#include <boost/asio/steady_timer.hpp>

#include "protocol/startup.hpp"
#include "proxy/backend/default_role.hpp"
#include "proxy/backend/pool_login.hpp"
#include "proxy/base/log.hpp"
#include "proxy/worker/spawn.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {
namespace {

// A login with the pool's own password has succeeded, or was refused.
void note_login(PoolCore& core, const LoginPlan& plan, const Opened& opened, TimePoint now) {
  const std::lock_guard lock(core.mutex);
  if (core.target != plan.target) return;
  if (opened.backend && opened.backend->proved_password) core.passing.renew(now);
  if (!opened.backend && refuses_password(opened.refusal)) core.passing.forget();
}

void retry_later(PoolCore& core, Worker& here, TimePoint at) {
  auto timer = std::make_shared<boost::asio::steady_timer>(here.io(), at);
  timer->async_wait(
      [kept = core.ref(), timer, &here](boost::system::error_code) { open_missing(*kept, here); });
}

void login_failed(PoolCore& core, const ServerRefusal& refusal, Worker& here) {
  core.commons.counters(here).logins[static_cast<std::size_t>(refusal.result)].add();
  unsigned failures = 0;
  bool wants_line = false;
  TimePoint retry_at;
  {
    const std::lock_guard lock(core.mutex);
    core.state.open_failed(here.now());
    failures = core.state.failures();
    retry_at = core.state.retry_at();
    wants_line = core.outcomes.failed(refusal, failures, here.now());
  }
  if (wants_line) {
    log::warning("server_login_failed", {{"database", core.commons.database()},
                                         {"user", core.commons.user()},
                                         {"failures", std::to_string(failures)},
                                         {"sqlstate", refusal.sqlstate},
                                         {"message", refusal.message}});
  }
  if (refusal.permanent) {
    const std::lock_guard lock(core.mutex);
    core.wake_waiters(here);
  }
  retry_later(core, here, retry_at);
}

Task<> open_one(Worker& here, PoolCoreRef core) {
  const LoginPlan plan = core->plan();
  Opened login =
      co_await log_in(here, core->context.aws, plan.target, plan.settings, core->commons.scram_keys());
  Opened result = co_await learn_default_role(here, std::move(login), plan.settings->connect_timeout);
  note_login(*core, plan, result, here.now());
  if (result.backend) {
    result.backend->generation = plan.generation;
    let_in(*core, std::move(result.backend), here);
  } else {
    login_failed(*core, result.refusal, here);
  }
}

// Says goodbye and waits until the server has closed its end: only then has its process made room for the
// next connection. TCP gives up a server that is unreachable.
Task<> close_one(Worker& here, PoolCoreRef core, std::shared_ptr<Backend> backend) {
  Waker waker(here.reactor());
  Transport& transport = backend->transport;
  transport.detach();
  if (transport.is_open() && transport.attach(here.reactor(), &waker)) {
    ByteBuffer goodbye;
    write_terminate(goodbye);
    const iovec part{goodbye.data(), goodbye.size()};
    transport.set_silence_limit(true);
    transport.write({&part, 1});
    transport.shutdown_write();
    for (;;) {
      const IoResult result = transport.peek(here.idle_scratch());
      if (result.status == IoStatus::closed || result.status == IoStatus::failed) break;
      if (result.status == IoStatus::ok) waker.wake();  // others get their turn
      co_await waker.wait();
    }
  }
  transport.close();
  {
    const std::lock_guard lock(core->mutex);
    core->state.closed(*backend);
    core->members.erase(backend.get());
  }
  open_missing(*core, here);
}

}  // namespace

void open_missing(PoolCore& core, Worker& here) {
  std::size_t count = 0;
  {
    const std::lock_guard lock(core.mutex);
    count = core.state.begin_opening(here.now());
  }
  for (; count > 0; --count) spawn(here, open_one(here, core.ref()));
}

void let_in(PoolCore& core, std::shared_ptr<Backend> backend, Worker& here) {
  PoolCommons& commons = core.commons;
  commons.counters(here).logins[static_cast<std::size_t>(BackendLoginResult::ok)].add();
  log::debug(
      "backend_opened",
      {{"database", commons.database()}, {"user", commons.user()}, {"pid", std::to_string(backend->pid)}});
  backend->login_parameters = backend->parameters;
  bool recovered = false;
  bool outdated = false;
  {
    const std::lock_guard lock(core.mutex);
    recovered = core.state.failures() > 0;
    core.outcomes.succeeded();
    if (backend->login_user == core.target->user)
      core.standing.logged_in(here.now(), backend->proved_password);
    // The backend logged in before the defaults changed, or to a server that is no longer configured.
    outdated = backend->generation != core.state.generation() || core.state.paused();
    if (!commons.logins().baseline() || !outdated) commons.logins().use_baseline(backend->parameters);
    core.members.emplace(backend.get(), backend);
    if (outdated) {
      core.state.begin_leaving_unused(*backend);
    } else if (const Waiter* const waiter = core.state.put(*backend, here.now(), true)) {
      core.hand_over(*backend, *waiter, here);
    }
  }
  if (outdated) see_off(core, *backend, BackendClose::outdated, here);
  if (recovered) log::info("server_reachable", {{"database", commons.database()}, {"user", commons.user()}});
  open_missing(core, here);
}

void give_up(PoolCore& core, Backend& backend, BackendClose reason, Worker& here) {
  {
    const std::lock_guard lock(core.mutex);
    core.state.begin_leaving(backend);
  }
  see_off(core, backend, reason, here);
}

void see_off(PoolCore& core, Backend& backend, BackendClose reason, Worker& here) {
  PoolCommons& commons = core.commons;
  commons.counters(here).closes[static_cast<std::size_t>(reason)].add();
  // The server sent messages that are not possible here, or bytes that are not messages.
  if (reason == BackendClose::protocol_violation)
    log::error("server_protocol_violation", {{"database", commons.database()}, {"user", commons.user()}});
  log::debug("backend_closed", {{"database", commons.database()},
                                {"user", commons.user()},
                                {"pid", std::to_string(backend.pid)},
                                {"reason", to_string(reason)}});
  std::shared_ptr<Backend> kept = backend.shared_from_this();
  spawn(here, close_one(here, core.ref(), std::move(kept)));
}

}  // namespace pgweir
