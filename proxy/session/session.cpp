#include "proxy/session/session.hpp"

#include <new>
#include <utility>

#include "config/settings.hpp"
#include "protocol/startup.hpp"
#include "proxy/base/log.hpp"
#include "proxy/entry/admission.hpp"
#include "proxy/entry/login.hpp"
#include "proxy/entry/session_context.hpp"
#include "proxy/pool/cancel_registry.hpp"
#include "proxy/pool/pool.hpp"
#include "proxy/session/farewell.hpp"
#include "proxy/session/session_list.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {

Session::Session(Worker& worker, SessionList& list, const SessionContext& context, UniqueFd fd,
                 std::string peer)
    : list_(list),
      waker_(worker.reactor()),
      link_(worker, std::move(fd), std::move(peer)),
      parts_{worker, context, waker_, link_, life_, list.enlist(*this)},
      exchange_(worker, replies_, worker.shared().no_settings),
      replies_(exchange_),
      server_(parts_, exchange_, replies_),
      client_(parts_, exchange_, server_) {
  life_.started = worker.now();
  life_.drains = worker.shared().draining.load();
  exchange_.sequences.number = parts_.worker.new_number();
  exchange_.session_id = parts_.id;
}

Session::~Session() {
  list_.delist(parts_.id);
}

Task<> Session::run(std::shared_ptr<Session> self) {
  Session& s = *self;
  if (!s.link_.transport.attach(s.parts_.worker.reactor(), &s.waker_)) co_return;
  try {
    const bool logged_in = co_await s.log_in();
    if (logged_in && s.console_) {
      co_await s.console_->serve();
    } else if (logged_in) {
      s.life_.phase = Life::Phase::serving;
      while (!s.life_.is_over()) {
        s.turn();
        if (s.life_.is_over()) break;
        // With more to do, the session goes to the end of the worker's queue, so that others get their turn.
        if (s.has_more_to_do()) s.waker_.wake();
        co_await s.waker_.wait();
      }
    }
  } catch (const std::bad_alloc&) {
    s.end_without_memory();
  }
  s.end_for_client();
  Counter* const sent = s.pool_ ? &s.pool_->counters(s.parts_.worker).bytes_to_clients : nullptr;
  try {
    co_await say_goodbye(s.parts_, !s.replies_.is_inside_message(), sent);
    co_await s.server_.leave();
  } catch (const std::bad_alloc&) {
    s.end_without_memory();
  }
}

Task<bool> Session::log_in() {
  Login login(parts_);
  bool is_in = co_await login.run();
  if (is_in) is_in = co_await enter(login.client());
  if (!is_in) claim_ = login.claim();
  co_return is_in;
}

// A client that has proved who it is gets what it asked for, if it may have it.
Task<bool> Session::enter(const ClientLogin& client) {
  if (config::is_console_database(client.startup().database)) {
    console_ = ConsoleSession::enter(parts_, client);
    if (!console_) co_return false;
    cancel_pid_ = console_->cancel_pid();
    life_.phase = Life::Phase::serving;
    exchange_.client.greeted = true;
    co_return true;
  }
  Admission admission(parts_, exchange_);
  pool_ = admission.admit(client);
  if (!pool_) co_return false;
  server_.lease().audit_every(pool_->settings()->audit_every);
  if (!admission.recall(client.settings())) {
    const bool learned = co_await learn_parameters(admission, client.settings());
    if (!learned) co_return false;
  }
  cancel_pid_ = admission.welcome(client);
  server_.flush();
  server_.note_activity(parts_.worker.now());
  co_return true;
}

// The first client of its kind waits for a backend, which applies the settings and says what became of them.
Task<bool> Session::learn_parameters(Admission& admission, const SettingMap& settings) {
  server_.flush();
  while (exchange_.backend == nullptr) {
    if (server_.lease().is_granted() || !server_.lease().waits()) server_.borrow();
    if (exchange_.backend != nullptr) break;
    if (const std::optional<ServerRefusal> refusal = pool_->refusal()) {
      end_refused(life_, *refusal);
      co_return false;
    }
    if (life_.interrupt || link_.transport.hung_up()) {
      const Reason why = life_.interrupt.value_or(Reason::client_closed);
      if (why == Reason::borrow_timeout || why == Reason::login_timeout)
        end_login_unserved(life_, *server_.lease().explain_wait());
      life_.end(why);
      co_return false;
    }
    co_await waker_.wait();
  }
  static_cast<void>(server_.apply_settings());
  server_.flush();
  const bool applied = co_await settle_own_queries();
  if (!applied) co_return false;
  admission.learned(settings);
  if (server_.lift_idle_timeout() == Progress::hold) {
    const bool lifted = co_await settle_own_queries();
    if (!lifted) co_return false;
  }
  server_.give_back();
  co_return !life_.is_over();
}

// Reads until the server has answered all that pgweir itself has asked. False: the session is over.
Task<bool> Session::settle_own_queries() {
  while (!life_.is_over() && exchange_.backend != nullptr && !exchange_.own.empty()) {
    if (life_.interrupt) {
      life_.end(life_.interrupt_of_server_wait());
      break;
    }
    if (server_.has_replies()) waker_.wake();
    co_await waker_.wait();
    if (exchange_.backend != nullptr) server_.read_server();
  }
  if (life_.is_over()) co_return false;
  if (exchange_.backend == nullptr) {
    life_.end(Reason::server_lost);
    co_return false;
  }
  co_return true;
}

// A turn is bounded by one read from each side. The server comes first: its answer may free the backend for
// the client's next message.
void Session::turn() {
  check_interrupts();
  if (!life_.is_serving()) return;
  if (!link_.backlog.empty()) {
    if (!link_.backlog.flush(link_.transport)) return life_.end(Reason::client_lost);
    if (life_.drains && link_.backlog.empty()) waker_.wake();
  }
  if (server_.lease().is_granted()) server_.borrow();
  if (exchange_.listen && exchange_.listen->take_resume()) server_.walk_kept_replies();
  if (life_.is_serving() && exchange_.backend != nullptr) server_.read_server();
  if (life_.is_serving()) client_.read();
  // A message may have been answered without the server, so that no reply will lead here.
  if (life_.is_serving() && exchange_.backend != nullptr) {
    server_.give_back_if_free();
    server_.flush();
  }
  if (exchange_.listen && life_.is_serving() && !client_.is_refusing()) server_.tell_notifications();
}

// Nobody knows how far the session has come, and with it what the server has been sent and the client has got. Others
// go on.
void Session::end_without_memory() {
  parts_.worker.to_client().clear();
  parts_.worker.to_server().clear();
  link_.gone = true;
  // The log line about its end needs some memory, too.
  ByteBuffer().swap(link_.carry);
  link_.backlog.clear();
  exchange_.statements = {};
  if (exchange_.backend != nullptr) server_.lease().discard(BackendClose::not_clean);
  if (!life_.is_over()) life_.end(Reason::out_of_memory);
}

bool Session::has_more_to_do() const {
  return server_.has_replies() || (client_.may_read() && link_.transport.readable()) ||
         server_.lease().is_granted();
}

void Session::check_interrupts() {
  server_.hub_side().check(life_);
  if (life_.is_over()) return;
  if (life_.interrupt) {
    const Reason reason = *std::exchange(life_.interrupt, std::nullopt);
    const bool waits = reason == Reason::borrow_timeout || reason == Reason::cancelled;
    if (!waits) return life_.end(reason);
    // A cancel concerns the message that waits, also when it has just been granted a backend.
    const bool granted = server_.lease().is_granted() && reason == Reason::cancelled;
    if (server_.lease().waits() || granted) return client_.refuse_waiting(reason);
  }
  if (server_.lease().waits()) {
    if (const std::optional<ServerRefusal> refusal = pool_->refusal()) return end_refused(life_, *refusal);
  }
  if (life_.drains && exchange_.backend != nullptr) server_.give_back_if_free();
  if (life_.is_over()) return;
  if (exchange_.backend == nullptr && !server_.lease().waits()) server_.end_if_drained();
}

// What metrics, pins, queue and hub know of the session ends before its client is told why.
void Session::end_for_client() {
  const Reason reason = life_.reason;
  // A query that takes too long was counted when it was cancelled.
  if (reason != Reason::query_timeout) parts_.worker.counters().ended[static_cast<std::size_t>(reason)].add();
  const bool is_quiet =
      reason == Reason::terminated || reason == Reason::client_closed || reason == Reason::cancel_request;
  const ClientClaim who =
      claim_  ? *claim_
      : pool_ ? ClientClaim{pool_->database(), pool_->user(), exchange_.client.application_name()}
              : ClientClaim{};
  (is_quiet ? log::debug : log::info)("client_closed", {{"client", std::to_string(parts_.id)},
                                                        {"reason", text_of(reason).name},
                                                        {"database", who.database},
                                                        {"user", who.user},
                                                        {"application_name", who.application_name},
                                                        {"peer", link_.peer},
                                                        {"message", life_.message()}});
  if (cancel_pid_ != 0) parts_.context.cancels.remove(cancel_pid_);
  if (pool_) {
    pool_->counters(parts_.worker).clients.subtract();
    server_.pin_report().end();
    server_.lease().stop_waiting();
  }
  exchange_.leave_hub();
}

// --- Called by others

// The directory calls this for every session, every tick.
void Session::on_tick(TimePoint now) {
  const bool holds_failure = life_.phase == Life::Phase::login && life_.closes_at != TimePoint{};
  if ((life_.is_over() || holds_failure) && now >= life_.closes_at) return waker_.wake();
  if (life_.wakes_each_tick) waker_.wake();
  if (life_.is_over() || life_.interrupt || server_.lease().is_granted()) return;
  const config::Settings& settings = *parts_.worker.snapshot().settings;
  std::optional<Reason> reason = view().overdue(now, settings);
  if (reason == Reason::query_timeout) reason = server_.cancel_overdue(now, settings.timeouts.query);
  // A client that takes nothing of what waits for it keeps its backend unread, and away from other clients.
  const std::chrono::milliseconds write_limit =
      exchange_.backend != nullptr ? settings.timeouts.client_write : std::chrono::milliseconds{0};
  const bool stalls = link_.stalls(now, write_limit);
  if (!reason && stalls) reason = Reason::client_write_timeout;
  if (!reason) return;
  life_.interrupt = reason;
  waker_.wake();
}

// This is called far more often than each Transport::silence_max.
void Session::spare_busy_server() {
  if (exchange_.backend != nullptr && !exchange_.tracker.idle())
    exchange_.backend->transport.wait_for_busy_peer();
}

void Session::on_cancel(std::shared_ptr<void> done) {
  if (!life_.is_serving() || server_.cancel(std::move(done))) return;
  life_.interrupt = Reason::cancelled;
  waker_.wake();
}

void Session::on_drain() {
  life_.drains = true;
  waker_.wake();
  if (!exchange_.keeps_what_it_has()) return;
  log::info("drain_waits_for_pinned", {{"client", std::to_string(parts_.id)},
                                       {"database", pool_->database()},
                                       {"user", pool_->user()},
                                       {"application_name", exchange_.client.application_name()},
                                       {"reason", to_string(exchange_.pins)},
                                       {"statement", server_.pin_report().statement()}});
}

void Session::on_drain_deadline() {
  if (life_.is_over()) return;
  life_.interrupt = Reason::draining;
  waker_.wake();
}

void Session::on_notification(const std::shared_ptr<const ByteBuffer>& message) {
  if (!life_.is_serving()) return;
  server_.hub_side().take(message);
  waker_.wake();
}

void Session::on_listen_answer(ListenOutcome outcome) {
  if (!exchange_.listen) return;
  server_.hub_side().answered(outcome);
  if (!server_.lease().waits()) link_.offer_again();
  waker_.wake();
}

void Session::on_listening_lost() {
  server_.hub_side().lost();
  waker_.wake();
}

void Session::on_kill(const std::string& database) {
  if (console_ || life_.is_over()) return;
  if (!database.empty() && (!pool_ || pool_->database() != database)) return;
  life_.interrupt = Reason::killed;
  waker_.wake();
}

void Session::on_console_reply(const ByteBuffer& reply) {
  if (console_ && life_.is_serving()) console_->take_reply(reply);
}

SessionView Session::view() const {
  return {this,
          parts_.id,
          life_,
          link_,
          exchange_,
          server_.lease(),
          server_.pin_report(),
          console_.get(),
          console_ ? console_->last_activity() : server_.last_activity(),
          server_.query_started()};
}

}  // namespace pgweir
