#include "proxy/entry/login.hpp"

#include "config/settings.hpp"
#include "protocol/proxy_header.hpp"
#include "protocol/sql_tokenizer.hpp"
#include "protocol/startup.hpp"
#include "proxy/entry/all_sessions.hpp"
#include "proxy/entry/aws_check.hpp"
#include "proxy/entry/client_tls.hpp"
#include "proxy/entry/console_session.hpp"
#include "proxy/entry/password_check.hpp"
#include "proxy/entry/role_check.hpp"
#include "proxy/entry/session_context.hpp"
#include "proxy/login/access.hpp"
#include "proxy/login/login_failures.hpp"
#include "proxy/pool/cancel_registry.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {

Task<bool> Login::run() {
  const std::vector<config::Network>& balancers = parts_.worker.snapshot().settings->listen.proxy_sources;
  if (!balancers.empty() && is_in(balancers, address_of(parts_.link.peer))) {
    const bool introduced = co_await read_proxy_header();
    if (!introduced) co_return false;
  }
  const bool by_rules = parts_.worker.snapshot().settings->access.has_value();
  login_ = std::make_unique<ClientLogin>(parts_.worker.snapshot_ref(),
                                         by_rules ? address_of(parts_.link.peer) : std::nullopt);
  ClientLogin& login = *login_;
  bool counted = false;
  for (;;) {
    if (parts_.life.interrupt || (parts_.life.drains && login.startup().user.empty())) {
      parts_.life.end(parts_.life.interrupt.value_or(Reason::draining));
      co_return false;
    }
    ByteView input = parts_.link.carry;
    ByteBuffer reply;
    ClientLogin::Step step = login.feed(input, reply);
    parts_.link.drop(parts_.link.carry.size() - input.size());
    if (step == ClientLogin::Step::prove_password) step = co_await prove_password(parts_, login);
    if (step == ClientLogin::Step::check_secret || step == ClientLogin::Step::check_token)
      step = co_await check_with_aws(parts_, login, step, reply);
    if (step == ClientLogin::Step::authenticated) step = co_await check_role(parts_, login, reply);
    if (parts_.life.is_over()) co_return false;
    parts_.worker.to_client().own().insert(parts_.worker.to_client().own().end(), reply.begin(), reply.end());
    parts_.worker.to_client().end_own();
    // The last authentication message goes out with the welcome.
    if (step != ClientLogin::Step::authenticated) parts_.link.flush();
    if (parts_.life.is_over()) co_return false;
    if (!counted && !login.startup().user.empty()) {
      counted = true;
      const std::size_t more =
          config::is_console_database(login.startup().database) ? ConsoleSession::reserve : 0;
      if (parts_.context.sessions.count() > parts_.worker.snapshot().settings->listen.max_clients + more) {
        parts_.life.end(Reason::too_many_clients);
        co_return false;
      }
    }
    if (step == ClientLogin::Step::send) continue;
    if (step == ClientLogin::Step::start_tls) {
      const bool secured = co_await start_client_tls(parts_, login);
      if (!secured) co_return false;
      continue;
    }
    if (step == ClientLogin::Step::cancel) {
      forward_cancel(login.cancel_request());
      co_return false;
    }
    if (step == ClientLogin::Step::refused) {
      if (login.reason() == Reason::authentication_failed) co_await hold_failure(login.startup().user);
      parts_.life.end(login.reason(), login.message(), login.sqlstate());
      co_return false;
    }
    if (step == ClientLogin::Step::authenticated) break;
    if (!parts_.link.read_few(parts_.life)) {
      if (parts_.life.is_over()) co_return false;
      co_await parts_.waker.wait();
    }
  }
  co_return true;
}

std::unique_ptr<const ClientClaim> Login::claim() const {
  if (!login_ || login_->startup().user.empty()) return nullptr;
  const StartupMessage& startup = login_->startup();
  auto claim = std::make_unique<ClientClaim>(ClientClaim{startup.database, startup.user, {}});
  for (const StartupParameter& each : startup.parameters) {
    if (ascii_lower(each.name) == "application_name") claim->application_name = each.value;
  }
  return claim;
}

// An attacker who guesses passwords gets few answers.
Task<> Login::hold_failure(const std::string& user) {
  const std::chrono::milliseconds most = parts_.worker.snapshot().settings->timeouts.failed_login;
  const auto delay =
      parts_.context.login_failures.note(user, address_of(parts_.link.peer), parts_.worker.now(), most);
  parts_.life.closes_at = parts_.worker.now() + delay;
  while (parts_.worker.now() < parts_.life.closes_at && !parts_.life.interrupt && !parts_.life.drains &&
         !parts_.link.transport.hung_up())
    co_await parts_.waker.wait();
}

// The load balancer's header about the client precedes the client's own bytes. From any other address such a
// header is refused as a startup packet.
Task<bool> Login::read_proxy_header() {
  ProxyHeader header;
  for (;;) {
    std::size_t size = 0;
    const Errc error = parse_proxy_header(parts_.link.carry, header, size);
    if (error != Errc::ok) {
      parts_.life.end(Reason::bad_startup, "expected a header of the PROXY protocol, version 2");
      co_return false;
    }
    if (size > 0) {
      parts_.link.carry.erase(parts_.link.carry.begin(),
                              parts_.link.carry.begin() + static_cast<std::ptrdiff_t>(size));
      break;
    }
    if (const auto why = parts_.life.interrupted()) {
      parts_.life.end(*why);
      co_return false;
    }
    if (!parts_.link.read_few(parts_.life)) {
      if (parts_.life.is_over()) co_return false;
      co_await parts_.waker.wait();
    }
  }
  if (!header.address.empty())
    parts_.link.peer = config::text_of_address(header.address) + ':' + std::to_string(header.port);
  co_return true;
}

// The connection that carried the request is closed when the request has been dealt with, as PostgreSQL does:
// drivers take that as the confirmation.
void Login::forward_cancel(const CancelRequest& request) {
  parts_.worker.counters().cancels_received.add();
  const std::optional<SessionAddress> target = parts_.context.cancels.find(request.pid, request.secret);
  parts_.link.transport.detach();
  auto connection = std::make_shared<Transport>(std::move(parts_.link.transport));
  parts_.link.gone = true;
  parts_.life.end(Reason::cancel_request);
  if (target) parts_.context.sessions.cancel(*target, std::move(connection));
}

}  // namespace pgweir
