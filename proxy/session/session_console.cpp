// A client that has come to the console: its commands go to the main thread, one at a time.
#include <algorithm>

#include "protocol/authentication.hpp"
#include "protocol/error_response.hpp"
#include "protocol/frontend.hpp"
#include "protocol/sqlstate.hpp"
#include "protocol/startup.hpp"
#include "proxy/base/log.hpp"
#include "proxy/pool/cancel_registry.hpp"
#include "proxy/session/console_desk.hpp"
#include "proxy/session/console_session.hpp"
#include "proxy/session/session.hpp"
#include "proxy/session/session_context.hpp"
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

bool Session::enter_console(const ClientLogin& login) {
  const config::Admin& admin = worker_.snapshot().settings->admin;
  const std::string& user = login.startup().user;
  const bool may_operate = has(admin.console_users, user);
  if (!may_operate && !has(admin.stats_users, user)) {
    return end(Reason::not_allowed,
               "user \"" + user + "\" is not listed in admin.console_users or stats_users"),
           false;
  }
  if (drain_) return end(Reason::draining), false;
  console_ = std::make_unique<ConsoleSession>(context_.console.sessions);
  console_->user = user;
  console_->database = login.startup().database;
  console_->may_operate = may_operate;
  phase_ = Phase::serving;
  const CancelRegistry::Key key =
      context_.cancels.add({worker_.index(), id_}, cancel_secret_size(negotiated_minor(login.startup())));
  cancel_pid_ = key.pid;
  exchange_.greeted = true;
  ByteBuffer& out = worker_.to_client().own();
  write_authentication_ok(out);
  write_console_parameters(out);
  write_backend_key_data(out, key.pid, key.secret);
  write_ready_for_query(out, static_cast<char>(TransactionStatus::idle));
  worker_.to_client().end_own();
  flush();
  worker_.counters().logins_ok.add();
  last_activity_ = worker_.now();
  log::info("console_login", {{"client", std::to_string(id_)}, {"user", user}, {"peer", peer_}});
  return true;
}

Task<> Session::serve_console() {
  while (phase_ == Phase::serving) {
    if (expired_) end(*expired_);
    if (drain_ && !console_->busy) end(Reason::draining);
    if (!to_client_backlog_.empty() && !to_client_backlog_.flush(client_)) end(Reason::client_lost);
    ByteView input = client_carry_;
    // What has arrived after a command waits for that command's answer.
    while (phase_ == Phase::serving && !console_->busy && to_client_backlog_.empty()) {
      Piece piece;
      const FrameStatus status = client_framer_.next(input, piece);
      if (status == FrameStatus::need_more) break;
      if (status == FrameStatus::error || !piece.whole() || piece.body_size > ConsoleSession::message_max) {
        end(Reason::protocol_violation, "the console takes short commands only");
        break;
      }
      take_console_message(piece.type, piece.body());
    }
    if (phase_ != Phase::serving) break;
    client_carry_.erase(client_carry_.begin(),
                        client_carry_.end() - static_cast<std::ptrdiff_t>(input.size()));
    flush();
    if (console_->busy && client_.hung_up()) end(Reason::client_closed);
    if (phase_ != Phase::serving) break;
    const bool may_read = !console_->busy && to_client_backlog_.empty();
    if (may_read && read_login_bytes()) {
      last_activity_ = worker_.now();
      continue;
    }
    if (phase_ == Phase::serving) co_await waker_.wait();
  }
}

void Session::take_console_message(char type, ByteView body) {
  if (type == static_cast<char>(FrontendType::Terminate)) return end(Reason::terminated);
  const bool sync = type == static_cast<char>(FrontendType::Sync);
  if (console_->skips && !sync) return;
  if (sync) {
    console_->skips = false;
    write_ready_for_query(worker_.to_client().own(), static_cast<char>(TransactionStatus::idle));
    return worker_.to_client().end_own();
  }
  QueryView query;
  if (type == static_cast<char>(FrontendType::Query) && parse_query(body, query) == Errc::ok) {
    console_->busy = true;
    ConsoleRequest request{
        std::string(query.text), console_->may_operate, console_->user, peer_, {worker_.index(), id_}};
    ConsoleDesk& console = context_.console;
    context_.post_to_main([&console, request = std::move(request)] { console.take(request); });
    return;
  }
  ErrorFields fields;
  fields.code = sqlstate::feature_not_supported;
  fields.message = "extended query protocol not supported by admin console";
  fields.hint = "Use simple queries, as psql does (psycopg 3: ClientCursor; JDBC: preferQueryMode=simple).";
  write_error_response(worker_.to_client().own(), fields);
  worker_.to_client().end_own();
  console_->skips = true;
}

void Session::on_console_reply(ByteBuffer reply) {
  if (!console_ || phase_ != Phase::serving) return;
  ByteBuffer& out = worker_.to_client().own();
  out.insert(out.end(), reply.begin(), reply.end());
  worker_.to_client().end_own();
  flush();
  console_->busy = false;
  last_activity_ = worker_.now();
  waker_.wake();
}

void Session::on_kill(const std::string& database) {
  if (console_ || phase_ == Phase::closing) return;
  if (!database.empty() && (!pool_ || pool_->database() != database)) return;
  expired_ = Reason::killed;
  waker_.wake();
}

}  // namespace pgweir
