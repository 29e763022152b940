// One client's life: login -> serve -> close.
//
// run() is the coroutine; between two of its suspensions it takes turn()s, which never wait:
//
//   client  -> scratch -> Framer -> RequestPath -> backend    borrowed for the first message that needs one
//   backend -> scratch -> Framer -> ReplyPath   -> client     settled: the backend goes back to the pool
//
// A side is not read while the other side's pending bytes wait. Thread rule: the worker's thread.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "proxy/base/facts.hpp"
#include "proxy/login/client_login.hpp"
#include "proxy/login/password_proofs.hpp"
#include "proxy/net/stall_clock.hpp"
#include "proxy/net/task.hpp"
#include "proxy/pool/pool_state.hpp"
#include "proxy/session/console_session.hpp"
#include "proxy/session/exchange.hpp"
#include "proxy/session/reply_path.hpp"
#include "proxy/session/request_path.hpp"

namespace pgweir {

class SessionList;
struct SessionContext;

class Session final {
 public:
  // After its client has closed its direction, a session with a running query waits this long for the answer
  // to become deliverable: a client that is gone and one that only said "no more queries" look alike.
  static constexpr std::chrono::milliseconds half_close_grace{500};
  // What a client left behind has to be over by then, or its backend is closed.
  static constexpr std::chrono::milliseconds abandon_timeout{2'000};
  // A server that has not even begun a statement ignores a cancel of it. So it is sent again after this long,
  // and after twice as long each time.
  static constexpr std::chrono::milliseconds cancel_patience{100};
  // A client that does not read its answers may have this much waiting before we stop reading from it, too.
  static constexpr std::size_t client_backlog_max = 256 * 1024;
  // So many backends may refuse the client's settings before it is told.
  static constexpr unsigned prelude_attempts_max = 3;
  // A pipeline that has had its backend for so long lets it go at its next end of a batch, if others wait for
  // one.
  static constexpr std::chrono::milliseconds pipeline_turn{20};
  // A question to the server that is cancelled is asked so often in all.
  static constexpr unsigned question_attempts_max = 3;
  // A client that was told why it is closed may take this long to read it.
  static constexpr std::chrono::milliseconds linger_timeout{500};

  Session(Worker& worker, SessionList& list, const SessionContext& context, UniqueFd fd, std::string peer);
  ~Session();

  static Task<> run(std::shared_ptr<Session> self);

  // Called by the worker.
  void on_tick(TimePoint now);
  void look_at_server();
  void on_cancel(std::shared_ptr<void> done);
  void on_drain();
  void on_drain_deadline();
  // Called by the pool's hub, see NotificationSink.
  void on_notification(const std::shared_ptr<const ByteBuffer>& message);
  void on_listen_answer(ListenOutcome outcome);
  void on_listening_lost();
  void wake() { waker_.wake(); }
  // Ends it if it uses this database; empty: whatever it uses.
  void on_kill(const std::string& database);
  void on_console_reply(ByteBuffer reply);
  // Appends what there is to tell of it, if it is one of those that are wanted, and of its backend.
  void describe(ClientsWanted wanted, std::vector<ClientFacts>& clients,
                std::vector<ServerFacts>& servers) const;
  void count_in(ClientTally& tally) const;

 private:
  enum class Phase : std::uint8_t { login, serving, closing };

  // Login (session_login.cpp)
  Task<bool> login();
  Task<> hold_failure(const std::string& user);
  Task<ClientLogin::Step> check_with_aws(ClientLogin& login, ClientLogin::Step step,
                                         ByteBuffer& reply);                  // session_aws.cpp
  Task<ClientLogin::Step> check_role(ClientLogin& login, ByteBuffer& reply);  // session_role.cpp
  Task<bool> server_lets_in(Pool& pool);
  Task<ClientLogin::Step> prove_password(ClientLogin& login);  // session_proof.cpp
  PasswordProofs::Attempt begin_proof(const ClientLogin& login, const config::Database& entry,
                                      const PasswordDigest& digest);
  Task<bool> read_proxy_header();
  Task<bool> start_tls(ClientLogin& login);
  Task<bool> shake_hands(ClientLogin& login);
  bool read_login_bytes();
  void drop_login_bytes(std::size_t count);
  bool admit(const ClientLogin& login);
  void keep_startup(const SettingMap& settings);
  MapRef known_parameters() const;
  MapRef with_application_name(SettingMap parameters) const;
  Task<bool> learn_parameters(std::uint64_t epoch);
  void remember_parameters(std::uint64_t epoch);
  void welcome(const ClientLogin& login);
  void forward_cancel(const CancelRequest& request);

  // The console (session_console.cpp)
  bool is_wanted(ClientsWanted wanted) const;
  bool enter_console(const ClientLogin& login);
  Task<> serve_console();
  void take_console_message(char type, ByteView body);

  // Serving (session.cpp)
  void turn();
  bool has_more_to_do() const;
  void read_client();
  void consume(ByteView input);
  bool offer(const Piece& piece, bool& retry);
  bool has_had_its_turn();
  bool answer_here(const Piece& piece);
  void keep(ByteView rest);
  void read_server();
  void walk_replies(ByteView input, bool from_carry);
  void break_off();
  void begin_fence();
  void after_replies();
  bool may_read_client() const;
  bool may_read_server() const;
  void flush();

  // Stale plans (session_batch.cpp)
  void keep_batch(const Piece& piece, bool begins);
  void end_refused_batch();
  void send_again();

  // Refusing and ending (session_end.cpp)
  std::optional<Reason> overdue(TimePoint now);
  std::optional<Reason> overdue_query(TimePoint now, std::chrono::milliseconds limit);
  bool client_stalls(TimePoint now, std::chrono::milliseconds limit);
  void check_interrupts();
  void refuse_waiting(Reason reason);
  void log_statement(std::string_view event, Reason reason, TimePoint since) const;
  void refuse_piece(const Piece& piece);
  // The client is told the reason's sentence and SQLSTATE, or these instead.
  void end(Reason reason, std::string_view message = {}, std::string_view sqlstate = {});
  void refuse_copy_violation();
  Task<> say_goodbye();
  Task<> wind_down();
  bool is_settled() const;
  Task<bool> settle(TimePoint until);
  void ask_to_finish();
  void cancel_leftovers();
  void deliver_cancel();
  bool is_unjudged() const;
  Task<bool> judge_leftovers(TimePoint until);
  void forget_state(bool with_statements);
  bool only_own_work_left() const;
  bool own_work_runs() const;

  // LISTEN (session_listen.cpp)
  bool listens() const { return exchange_.listen && exchange_.listen->listens(); }
  enum class Listened : std::uint8_t { answered, wait, no };
  Listened listen_here(const Piece& piece);
  bool ready_has_to_wait(ByteView input);
  bool must_move();
  void begin_move();
  void on_move(ListenOutcome outcome);
  void write_notifications(std::size_t limit);
  void resume_replies();
  void tell_notifications();
  bool forget_channels();

  // Backend (session_backend.cpp)
  bool borrow();
  void take_grant();
  void attach(Backend& backend);
  bool apply_settings();
  bool prelude_holds() const;
  void prelude_failed();
  bool apply_as_other_role();
  void send_own(OwnQuery which, std::string_view sql);
  void at_rest();
  bool keeps_what_it_has() const;
  bool is_resting() const;
  void begin_anew();
  void give_back();
  void give_to_pool(Backend& backend);
  bool has_nothing_to_lose() const;
  // `told`: the server's own last words have reached the client.
  void lose_backend(BackendClose reason, bool told = false);

  // What a transaction has left behind (session_check.cpp)
  bool state_is_known();
  PinSet open_pins();
  void note_sequences();
  void ask_state(StateQuestion question);
  void send_question();
  void ask_state_again();
  void take_state_answer();
  bool settings_are_open() const;
  bool nothing_is_open();
  void question_settings(StateQuestion& question);
  void take_settings(SettingMap applied);
  void take_named_settings(const std::vector<std::string>& names, const SettingMap& values);
  void apply_committed();
  std::string statements_left() const;
  std::string named_question();
  void want(SettingMap desired);
  void update_pins(PinSet pins);
  void uncount_pins();
  void count_pins(PinSet pins);
  void report_pins(PinSet begun);
  std::string shown_name() const;  // its application_name
  bool audit_is_due();
  void take_audit(const StateAnswer& answer);

  // What its code may do (session_judge.cpp)
  void ask_unhurried(OwnQuery which, std::string_view sql);
  void ask_last_value();
  void take_last_value();
  void ask_triggers();
  void take_triggers();
  void ask_sources();
  void take_sources();
  void judge_again();
  void judge_definitions();
  void doubt_presumed();

  Worker& worker_;
  SessionList& list_;
  const SessionContext& context_;
  Waker waker_;
  Transport client_;
  std::string peer_;  // host:port, the client's own even behind a load balancer
  std::uint64_t id_ = 0;
  std::shared_ptr<Pool> pool_;
  Exchange exchange_;
  ReplyPath replies_;
  RequestPath requests_;
  Framer client_framer_{frontend_rule};
  ByteBuffer client_carry_;  // received, not yet consumed
  Backlog to_client_backlog_;
  StallClock client_stall_;
  Waiter waiter_;

  std::unique_ptr<ConsoleSession> console_;  // null: it is an ordinary client
  Phase phase_ = Phase::login;
  Reason reason_ = Reason::client_closed;
  std::string goodbye_;  // what the client is told instead of the reason's own sentence
  std::string goodbye_sqlstate_;
  MapRef applied_before_;     // what the backend had before the last prelude
  bool batch_waits_ = false;  // that message is the first of its batch
  bool held_ = false;         // client_carry_ starts with a message that has to wait
  bool prelude_must_succeed_ = false;
  MapRef other_role_;              // what it had set when it last had another role, or null
  bool sets_as_other_ = false;     // it needs that role for some of its settings
  unsigned prelude_failures_ = 0;  // of backends in a row
  enum class Move : std::uint8_t { no, joins, leaves };
  Move move_ = Move::no;  // to the hub of another encoding
  bool listening_lost_ = false;
  bool deaf_ = false;                // it does not take its notifications
  bool unknown_names_ = false;       // custom settings may be on the backend that nobody can list
  StateQuestion asked_;              // the last one about the server's state
  unsigned asked_again_ = 0;         // because it was cancelled
  bool prepares_question_ = false;   // the question about names, on this backend
  bool last_value_is_open_ = false;  // lastval() has to be asked
  bool auditing_ = false;            // the check under way is an audit
  bool audited_ = false;             // since the borrow
  bool asked_after_reset_ = false;
  PinSet reported_pins_;  // as metrics and log know them
  struct PinRecord {
    TimePoint since;
    std::string statement;  // its first words
  };
  std::unique_ptr<PinRecord> pin_record_;  // while it is pinned
  std::string trigger_calls_;              // all trigger functions, while they wait for judgement
  std::string pin_cause_;                  // the first words of the statement that may have pinned
  std::uint32_t audit_every_ = 0;
  bool wakes_each_tick_ = false;  // it waits for what nobody may tell it
  bool flush_asked_ = false;      // a Flush of ours is under way, so that what it waits for comes
  bool client_eof_ = false;       // it has closed its direction
  bool client_gone_ = false;      // nobody reads our answers any more
  bool drain_ = false;
  bool query_cancelled_ = false;  // the running one, for its time was up
  std::optional<Reason> expired_;
  std::optional<Reason> refusing_;  // the next message that needs a backend is refused
  bool refusing_until_sync_ = false;
  bool refusing_rest_ = false;
  std::uint32_t cancel_pid_ = 0;
  std::shared_ptr<void> held_cancel_;  // a cancel for this client that waits for a query of ours to end

  TimePoint started_;
  TimePoint last_activity_;
  TimePoint query_started_{};        // while the client waits for an answer
  TimePoint transaction_started_{};  // since the borrow
  TimePoint client_eof_at_{};
  // While closing, or holding back the answer to a wrong password: the janitor wakes the session then.
  TimePoint closes_at_{};
};

}  // namespace pgweir
