#include "proxy/entry/console_session.hpp"

#include <algorithm>
#include <utility>

#include "protocol/authentication.hpp"
#include "protocol/error_response.hpp"
#include "protocol/frontend.hpp"
#include "protocol/sqlstate.hpp"
#include "protocol/startup.hpp"
#include "proxy/base/log.hpp"
#include "proxy/entry/console_desk.hpp"
#include "proxy/entry/console_request.hpp"
#include "proxy/entry/session_context.hpp"
#include "proxy/pool/cancel_registry.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {
namespace {

bool has(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// What drivers look at before their first command.
void write_console_parameters(ByteBuffer& out) {
  write_parameter_status(out, "server_version", std::string(PGWEIR_VERSION) + "/pgweir");
  write_parameter_status(out, "server_encoding", "UTF8");
  write_parameter_status(out, "client_encoding", "UTF8");
  write_parameter_status(out, "DateStyle", "ISO, MDY");
  write_parameter_status(out, "TimeZone", "UTC");
  write_parameter_status(out, "integer_datetimes", "on");
  write_parameter_status(out, "standard_conforming_strings", "on");
  write_parameter_status(out, "is_superuser", "on");
}

}  // namespace

std::unique_ptr<ConsoleSession> ConsoleSession::enter(SessionParts parts, const ClientLogin& login) {
  const config::Admin& admin = parts.worker.snapshot().settings->admin;
  const std::string& user = login.startup().user;
  const bool may_operate = has(admin.console_users, user);
  if (!may_operate && !has(admin.stats_users, user)) {
    parts.life.end(Reason::not_allowed,
                   "user \"" + user + "\" is not listed in admin.console_users or stats_users");
    return nullptr;
  }
  if (parts.life.drains) {
    parts.life.end(Reason::draining);
    return nullptr;
  }
  std::unique_ptr<ConsoleSession> console(new ConsoleSession(parts, login, may_operate));
  console->welcome(login);
  return console;
}

ConsoleSession::ConsoleSession(SessionParts parts, const ClientLogin& login, bool may_operate)
    : parts_(parts),
      user_(login.startup().user),
      database_(login.startup().database),
      may_operate_(may_operate),
      last_activity_(parts.worker.now()) {
  ++parts_.context.console.sessions;
}

ConsoleSession::~ConsoleSession() {
  --parts_.context.console.sessions;
}

void ConsoleSession::welcome(const ClientLogin& login) {
  Worker& worker = parts_.worker;
  const CancelRegistry::Key key = parts_.context.cancels.add(
      {worker.index(), parts_.id}, cancel_secret_size(negotiated_minor(login.startup())));
  cancel_pid_ = key.pid;
  ByteBuffer& out = worker.to_client().own();
  write_authentication_ok(out);
  write_console_parameters(out);
  write_backend_key_data(out, key.pid, key.secret);
  write_ready_for_query(out, static_cast<char>(TransactionStatus::idle));
  worker.to_client().end_own();
  parts_.link.flush();
  worker.counters().logins_ok.add();
  log::info("console_login",
            {{"client", std::to_string(parts_.id)}, {"user", user_}, {"peer", parts_.link.peer}});
}

Task<> ConsoleSession::serve() {
  Life& life = parts_.life;
  ClientLink& link = parts_.link;
  while (!life.is_over()) {
    if (life.interrupt) life.end(*life.interrupt);
    if (life.drains && !busy_) life.end(Reason::draining);
    if (!link.backlog.empty() && !link.backlog.flush(link.transport)) life.end(Reason::client_lost);
    take_input();
    if (life.is_over()) break;
    if (!link.flush()) life.end(Reason::client_lost);
    if (busy_ && link.transport.hung_up()) life.end(Reason::client_closed);
    if (life.is_over()) break;
    const bool may_read = !busy_ && link.backlog.empty();
    if (may_read && link.read_few(life)) {
      last_activity_ = parts_.worker.now();
      continue;
    }
    if (!life.is_over()) co_await parts_.waker.wait();
  }
}

// What has arrived after a command waits for that command's answer.
void ConsoleSession::take_input() {
  Life& life = parts_.life;
  ClientLink& link = parts_.link;
  ByteView input = link.carry;
  while (!life.is_over() && !busy_ && link.backlog.empty()) {
    Piece piece;
    const FrameStatus status = link.framer.next(input, piece);
    if (status == FrameStatus::need_more) break;
    if (status == FrameStatus::error || !piece.whole() || piece.body_size > message_max) {
      return life.end(Reason::protocol_violation, "the console takes short commands only");
    }
    take_message(piece.type, piece.body());
  }
  if (life.is_over()) return;
  link.carry.erase(link.carry.begin(), link.carry.end() - static_cast<std::ptrdiff_t>(input.size()));
}

void ConsoleSession::take_message(char type, ByteView body) {
  if (type == static_cast<char>(FrontendType::Terminate)) return parts_.life.end(Reason::terminated);
  const bool sync = type == static_cast<char>(FrontendType::Sync);
  if (skips_ && !sync) return;
  if (sync) {
    skips_ = false;
    write_ready_for_query(parts_.worker.to_client().own(), static_cast<char>(TransactionStatus::idle));
    return parts_.worker.to_client().end_own();
  }
  QueryView query;
  if (type == static_cast<char>(FrontendType::Query) && parse_query(body, query) == Errc::ok) {
    busy_ = true;
    ConsoleRequest request{
        std::string(query.text), may_operate_, user_, parts_.link.peer, {parts_.worker.index(), parts_.id}};
    ConsoleDesk& console = parts_.context.console;
    parts_.context.post_to_main([&console, request = std::move(request)] { console.take(request); });
    return;
  }
  ErrorFields fields;
  fields.code = sqlstate::feature_not_supported;
  fields.message = "extended query protocol not supported by admin console";
  fields.hint = "Use simple queries, as psql does (psycopg 3: ClientCursor; JDBC: preferQueryMode=simple).";
  write_error_response(parts_.worker.to_client().own(), fields);
  parts_.worker.to_client().end_own();
  skips_ = true;
}

void ConsoleSession::take_reply(const ByteBuffer& reply) {
  Outgoing& out = parts_.worker.to_client();
  out.own().insert(out.own().end(), reply.begin(), reply.end());
  out.end_own();
  if (!parts_.link.flush()) parts_.life.end(Reason::client_lost);
  busy_ = false;
  last_activity_ = parts_.worker.now();
  parts_.waker.wake();
}

}  // namespace pgweir
