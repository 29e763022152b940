// One client's life: login -> serve -> close.
//
// run() is the coroutine; between two of its suspensions it takes turn()s, which never wait:
//
//   client  -> scratch -> Framer -> RequestPath -> backend    borrowed for the first message that needs one
//   backend -> scratch -> Framer -> ReplyPath   -> client     settled: the backend goes back to the pool
//
// A side is not read while the other side's pending bytes wait. The first line is ClientSide's, the second is
// ServerSide's. Login and Admission find out who the client is. Thread rule: the worker's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "proxy/entry/client_link.hpp"
#include "proxy/entry/console_session.hpp"
#include "proxy/entry/life.hpp"
#include "proxy/entry/session_parts.hpp"
#include "proxy/exchange/exchange.hpp"
#include "proxy/net/task.hpp"
#include "proxy/reply/reply_path.hpp"
#include "proxy/session/client_side.hpp"
#include "proxy/session/server_side.hpp"
#include "proxy/session/session_view.hpp"

namespace pgweir {

class Admission;
class ClientLogin;
class SessionList;
struct ClientClaim;

class Session final {
 public:
  Session(Worker& worker, SessionList& list, const SessionContext& context, UniqueFd fd, std::string peer);
  ~Session();

  static Task<> run(std::shared_ptr<Session> self);

  // Called by the worker.
  void on_tick(TimePoint now);
  void spare_busy_server();
  void on_cancel(std::shared_ptr<void> done);
  void on_drain();
  void on_drain_deadline();
  // Called by the pool's hub, see NotificationSink.
  void on_notification(const std::shared_ptr<const ByteBuffer>& message);
  void on_listen_answer(ListenOutcome outcome);
  void on_listening_lost();
  void wake() { waker_.wake(); }
  // Ends the session if it uses this database; empty: whichever it uses.
  void on_kill(const std::string& database);
  void on_console_reply(const ByteBuffer& reply);
  SessionView view() const;

 private:
  Task<bool> log_in();
  Task<bool> enter(const ClientLogin& client);
  Task<bool> learn_parameters(Admission& admission, const SettingMap& settings);
  Task<bool> settle_own_queries();
  void turn();
  void end_without_memory();
  bool has_more_to_do() const;
  void check_interrupts();
  void end_for_client();

  SessionList& list_;
  Waker waker_;
  Life life_;
  ClientLink link_;
  const SessionParts parts_;
  std::shared_ptr<Pool> pool_;
  std::unique_ptr<ConsoleSession> console_;  // null: an ordinary client
  Exchange exchange_;
  ReplyPath replies_;
  ServerSide server_;
  ClientSide client_;
  std::unique_ptr<const ClientClaim> claim_;  // of a client that was not let in
  std::uint32_t cancel_pid_ = 0;
};

}  // namespace pgweir
