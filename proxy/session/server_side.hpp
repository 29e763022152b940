// The server's side of a session: what its backend says, what happens to the backend between two
// transactions, and what the client leaves on it. Thread rule: the session's worker.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "proxy/entry/client_link.hpp"
#include "proxy/entry/life.hpp"
#include "proxy/entry/session_parts.hpp"
#include "proxy/exchange/exchange.hpp"
#include "proxy/exchange/request_outcome.hpp"
#include "proxy/net/task.hpp"
#include "proxy/reply/reply_path.hpp"
#include "proxy/session/backend_lease.hpp"
#include "proxy/session/hub_side.hpp"
#include "proxy/session/pin_report.hpp"
#include "proxy/session/wind_down.hpp"
#include "proxy/settle/settings_applier.hpp"
#include "proxy/settle/state_tracker.hpp"

namespace pgweir {

class ServerSide final : public WindDown::Host {
 public:
  ServerSide(const SessionParts& parts, Exchange& exchange, ReplyPath& replies);

  // Reads what there is, once.
  void read_server() override;
  bool has_replies() const override;
  // Walks the replies that were read and had to wait.
  void walk_kept_replies();
  // Sends what was written, to both sides.
  void flush() override;
  void cancel_statement() override;
  // Sends a listening client its notifications while it has nothing outstanding.
  void tell_notifications();

  // True: there is a backend now, maybe the one that was granted. False: the session waits in the queue.
  bool borrow();
  // Makes the backend's settings those of the client. False: its message has to wait for that.
  bool apply_settings() { return applier_.apply(); }
  // When nothing is owed and there is no transaction, the backend is free, unless it has something of this
  // client's that other clients must not see, or that the client needs again.
  void give_back_if_free();
  // To be called where the client rests: a drain ends it as soon as it has all that it is owed.
  void end_if_drained();
  void give_back();
  Progress lift_idle_timeout();
  // Passes a cancel for the client on. False: its statement still waits for a backend.
  bool cancel(std::shared_ptr<void> done);
  // Cancels a query that is past its time. Returns the reason to end the session if that was of no use.
  std::optional<Reason> cancel_overdue(TimePoint now, std::chrono::milliseconds limit);
  // A cancel is under way that may come too late for the statement that it is meant for. The client's next message
  // waits until the server has dealt with it: the client may not know of it, as when a query was past its time.
  bool cancel_would_hit_next() const {
    return x_.backend != nullptr && x_.backend->cancels.in_flight() && x_.tracker.idle();
  }
  // The client is gone.
  Task<> leave();

  BackendLease& lease() { return lease_; }
  const BackendLease& lease() const { return lease_; }
  HubSide& hub_side() { return hub_side_; }
  PinReport& pin_report() { return pin_report_; }
  const PinReport& pin_report() const { return pin_report_; }
  // When the query began; it means something only while the client waits for an answer.
  TimePoint query_started() const { return query_started_; }
  void query_starts(TimePoint now) { query_started_ = now; }
  // When the client or its server last sent something.
  TimePoint last_activity() const { return last_activity_; }
  void note_activity(TimePoint now) { last_activity_ = now; }

 private:
  void send_written();
  void walk_replies(ByteView input, bool from_carry);
  void note_query_done();
  void take_events();
  void prelude_failed();
  bool is_resting() const;
  Progress settle_state();
  bool end_if_state_is_lost();
  void ask(const OwnQuestion& question);
  void report_audit(const std::string& found);
  void begin_anew();
  void deliver_cancel();
  bool has_nothing_to_lose() const;
  // `told`: the server's own last words have reached the client.
  void lose_backend(BackendClose reason, bool told = false);

  const SessionParts& parts_;
  Exchange& x_;
  ReplyPath& replies_;
  StateTracker state_{x_};
  SettingsApplier applier_{x_};
  BackendLease lease_;
  PinReport pin_report_{x_};
  HubSide hub_side_{x_};
  std::shared_ptr<void> held_cancel_;  // a cancel for this client that waits for pgweir's own query to end
  bool query_cancelled_ = false;       // the running query was cancelled because its time was up
  TimePoint query_started_{};
  TimePoint last_activity_;
};

}  // namespace pgweir
