// One session of the model server: bytes in, bytes out, no socket and no clock. Used for a server behind
// pgweir, and as what a client would have been answered without it.
//
//   session.advance(now); session.receive(bytes); send(session.take_output());
//   if (session.wakes_at() <= now) session.advance(now);   // a lock was let go, a timeout, a notification
#pragma once

#include <map>
#include <optional>
#include <string>

#include "protocol/message.hpp"
#include "tests/simulation/model/cluster.hpp"
#include "tests/simulation/model/extended_query.hpp"
#include "tests/simulation/model/login.hpp"
#include "tests/simulation/model/simple_query.hpp"

namespace pgweir::simulation {

// What is not as after a fresh login, for invariants.
struct SessionFacts {
  TransactionStatus status = TransactionStatus::idle;
  std::map<std::string, std::string> settings;  // those that differ from the login's, by lower-case names
  std::string session_user;
  std::string current_user;
  std::string role;  // "none", or what SET ROLE has set
  struct Prepared {
    std::string text;
    bool from_sql = false;
  };
  std::map<std::string, Prepared> prepared;
  std::vector<std::string> portals;
  std::vector<std::string> temporary_tables;
  std::size_t advisory_locks = 0;
  std::vector<std::string> channels;
  bool has_sequence_values = false;
};

class ModelSession {
 public:
  ModelSession(ModelCluster& cluster, Pid pid, std::uint32_t secret);
  ~ModelSession();
  ModelSession(const ModelSession&) = delete;
  ModelSession& operator=(const ModelSession&) = delete;

  void receive(ByteView bytes);
  ByteBuffer take_output();
  // The same, but what a server would still keep in its buffer stays: answers to extended messages, until a Sync, a Flush,
  // an error or so many of them that the buffer is full.
  ByteBuffer take_sent_output();
  // The server has closed the connection; what is left to take is still to be sent.
  bool is_closed() const { return phase_ == Phase::closed; }
  // The client's end is gone, without a word.
  void disconnect();

  void advance(Time now);
  // When advance() has something to do; in the past: at once.
  std::optional<Time> wakes_at() const;

  // --- For invariants
  SessionFacts facts() const;
  // As after a fresh login, but for prepared statements whose names begin with __pgweir_, the unnamed one, and
  // the values of sequences (pgweir takes care of those when they are asked for).
  bool is_clean() const;
  bool has_begun() const { return phase_ == Phase::serving; }
  bool is_waiting() const { return blocked_.has_value(); }
  // It waits for what its client copies.
  bool is_reading() const { return blocked_ && blocked_->for_copy; }
  const SessionState& state() const { return s_; }
  Pid pid() const { return s_.pid; }

  // --- For the cluster
  void wake() { woken_ = true; }
  void notify(Notification notification);
  void cancel(bool with_next_statement);
  void terminate(SqlError why);
  bool has_secret(ByteView secret) const;
  const std::string& database() const { return s_.database; }
  const std::string& login_user() const { return s_.identity.login_user(); }
  void change_boot(const std::string& name, const std::string& value) {
    s_.settings.change_boot(name, value);
  }

 private:
  enum class Phase { login, serving, closed };
  struct Message {
    char type = 0;
    ByteBuffer body;
  };

  void run();
  bool step();
  bool log_in();
  bool take_message();
  bool may_go_on() const;
  void work();
  void handle(const Message& message);
  void take_copy_message();
  void handle_copy(const Message& message);
  CopyIn* copy_in() const;
  void check_interrupts(const Blocked& before);
  void fail_message(const SqlError& error);
  void send_ready();
  void end(const SqlError* why);
  std::optional<std::chrono::milliseconds> idle_timeout() const;
  bool is_idle() const { return !current_ && phase_ == Phase::serving; }

  SessionState s_;
  std::uint32_t secret_;
  Phase phase_ = Phase::login;
  Login login_;
  ByteBuffer input_;
  std::optional<Message> current_;
  std::optional<SimpleQuery> simple_;
  std::optional<Blocked> blocked_;
  std::optional<Time> lock_since_;
  std::optional<Time> deadlock_check_;
  std::optional<Time> idle_since_;
  std::optional<SqlError> termination_;
  enum class Cancel { none, now, with_next } cancel_ = Cancel::none;
  bool woken_ = false;
  bool skips_to_sync_ = false;
  bool keeps_output_ = false;  // since the last extended message
  std::size_t flushed_ = 0;    // of the output: what has left the buffer all the same
  std::map<std::string, std::string> reported_;
};

}  // namespace pgweir::simulation
