// LISTEN for all clients of a pool through one server connection, so that a listener needs none of its own.
//
//   session --change()--> hub: ChannelTable --LISTEN, UNLISTEN, round trips--> server
//   session <--on its worker: deliver(), listen_answered()-- hub <--notifications, answers-- server
//
// The connection is opened for the first listener and closed some time after the last channel has gone. It is
// one more than the pool's max_size, is not replaced at max_lifetime, and shows itself in pg_stat_activity
// with application_name `pgweir listen`. Notifications are passed on as they came: the process id in them is
// that of the server process that ran NOTIFY.
//
// What is promised. A client that was answered `done` for a LISTEN gets each notification on that channel
// that is committed after the answer, once, in the order of the server's queue; it gets none that was
// committed before it asked. What is committed between question and answer it may get or not, as with any
// LISTEN that is under way. The same holds, the other way round, for UNLISTEN. This rests on PostgreSQL (15
// to 18; async.c and postgres.c): NOTIFY signals every listening server process before its client is told of
// the commit, and a process that is idle deals with that signal when it wakes up, or has read a command,
// before it runs the command. So what was committed before a command was sent arrives before the answer to
// it, and what is committed after the answer was sent arrives after it. A transaction's LISTEN is asked for
// before its COMMIT is sent, therefore.
//
// After a failure the only promise is that each listener hears of it. When the connection is lost, each
// client that listens is reported to listening_lost(), because it may have missed notifications. It has to be
// closed (08006), as if its own connection to the server had broken, so that it reads again what it wants to
// know. The hub connects again when a client asks to listen, but not sooner than the pool's back-off allows.
//
// A connection sees channels and payloads in its client_encoding, so clients with another one need another
// hub.
//
// A client that does not read is its session's concern. When a whole worker falls behind, the hub stops
// reading and the server's queue holds what comes.
//
// Thread rule: change(), leave() and retire() from any thread; calls of one thread are seen in their order.
// All else happens on the home worker, and the sink is called on the thread of the subscriber's worker.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proxy/backend/opener.hpp"
#include "proxy/base/counters.hpp"
#include "proxy/listen/channel_table.hpp"
#include "proxy/listen/hub_connection.hpp"
#include "proxy/listen/hub_outbox.hpp"
#include "proxy/net/task.hpp"

namespace pgweir {

class Worker;

struct HubLimits {
  ChannelLimits channels;
  // Notifications on their way to the workers, in bytes: above it the server is not read.
  std::size_t in_flight_max = 1024 * 1024;
  // The connection stays open for this long after the last channel has gone.
  std::chrono::milliseconds linger{30'000};
  // A server that owes an answer and says nothing for this long is given up.
  std::chrono::milliseconds silence_max{30'000};
};

// What to connect to, and how to log in there. No target: the pool is gone.
struct HubSource {
  std::shared_ptr<const PoolTarget> target;
  std::function<Task<Opened>(Worker&)> log_in;
};

// Written by the home worker. Any thread may read.
struct HubCounters {
  Counter connections;    // open now
  Counter channels;       // listened to now
  Counter clients;        // that listen, or ask to, now
  Counter notifications;  // received
  Counter deliveries;     // and passed on, one for each client
  Counter losses;         // of a connection that a client listened through
};

class ListenHub : public std::enable_shared_from_this<ListenHub> {
 public:
  // `source` is asked on the home worker before each connection. `encoding`: the clients' client_encoding;
  // empty: what a fresh login has.
  ListenHub(Worker& home, Workers& workers, NotificationSink& sink, std::function<HubSource()> source,
            std::string encoding, HubLimits limits = {});

  // Answered by the sink, once. A session asks again when it has been answered.
  void change(Subscriber who, ListenChange change);
  // The session ends, or moves to another hub. Nothing is answered, not even what was asked before.
  void leave(Subscriber who);
  // The pool is gone: its listeners are lost, and those that ask from now on are refused.
  void retire();

  const HubCounters& counters() const { return counters_; }

 private:
  enum class Phase : std::uint8_t { closed, opening, open };

  class Attached;

  Task<> run(std::shared_ptr<ListenHub> self);
  void pump();
  void wake();
  void resume();

  // With a connection.
  void begin(HubConnection& connection);
  bool turn(HubConnection& connection);
  bool read(HubConnection& connection);
  bool take_events(HubConnection& connection);
  bool on_answer(bool succeeded);
  void on_notification(const HubEvent& event);
  void send_commands(HubConnection& connection);
  bool is_late() const;
  bool may_close();
  TimePoint deadline() const;

  // Without one.
  void open_failed(const ServerRefusal& refusal);
  void count_failure(std::string_view sqlstate, std::string_view message);
  void lose(std::string_view why);
  void refuse();

  void tell(const std::vector<ListenAnswer>& answers);
  void count();

  Worker& home_;
  const std::function<HubSource()> source_;
  const std::string encoding_;
  const HubLimits limits_;
  HubCounters counters_;
  const std::shared_ptr<HubOutbox> outbox_;
  // The home worker's.
  ChannelTable table_;
  Phase phase_ = Phase::closed;
  bool retired_ = false;
  bool setting_up_ = false;  // the first query of this connection has not been answered
  bool useful_ = false;      // it has answered more than that
  Waker* waker_ = nullptr;   // of the open connection
  TimePoint heard_at_{};     // when the server last said something, or was first asked
  std::optional<TimePoint> idle_since_;
  std::shared_ptr<const PoolTarget> target_;  // of the last connection
  unsigned failures_ = 0;                     // consecutive connections that were of no use
  TimePoint retry_at_{};
};

}  // namespace pgweir
