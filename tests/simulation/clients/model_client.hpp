// One client: it connects, logs in, sends batches that nobody else could have sent, compares every message of the
// answer with what a direct connection would have said, and leaves in one way or another. Then the next one comes.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/simulation/clients/client_habits.hpp"
#include "tests/simulation/clients/expectation.hpp"
#include "tests/simulation/clients/reference.hpp"
#include "tests/simulation/clients/script_writer.hpp"
#include "tests/simulation/clients/sent_answers.hpp"
#include "tests/simulation/kernel/kernel.hpp"
#include "tests/simulation/world/messages.hpp"
#include "tests/simulation/world/trace.hpp"

namespace pgweir::simulation {

class ModelClient;

// What a client needs to know of the world, and what it tells.
class ClientWorld {
 public:
  virtual ~ClientWorld() = default;
  // Another client, if there is one.
  virtual ModelClient* other_client(const ModelClient& than, Random& random) = 0;
  // Something is wrong that no fault explains.
  virtual void fail(const std::string& what) = 0;
  // Whether a client may be told this now, out of turn: the world has faults, or the program drains.
  virtual bool explains(const std::string& sqlstate) const = 0;
  // Whether a connection may end without a word now.
  virtual bool explains_close() const = 0;
  // Since when the program drains, while nothing but that may end a client, and who is not done still has time. nullopt:
  // otherwise.
  virtual std::optional<SimTime> drains_patiently_since() const = 0;
  // A client that listens cannot be reached any more.
  virtual void note_vanished_listener() = 0;
  // Whether the server may be, or may have been, another one than the client's reference: a standby.
  virtual bool is_standby() const = 0;
  // Whether new transactions were read-only at any time since then, without a word of a client's.
  virtual bool was_read_only_since(SimTime moment) const = 0;
  // Whether a server runs a statement with this word now.
  virtual bool is_running(const std::string& word) const = 0;
  // Whether a client may send one more batch.
  virtual bool may_send() = 0;
  // The number of a notification on the shared channel, in the order in which they were committed. nullopt: nobody has
  // sent it.
  virtual std::optional<std::size_t> number_of_news(const std::string& payload) const = 0;
  // How many had been committed by then.
  virtual std::size_t news_until(SimTime moment) const = 0;
};

class ModelClient {
 public:
  ModelClient(Kernel& kernel, Trace& trace, ClientWorld& world, Random random, int number, std::uint16_t port,
              const char* user, ClientHabits habits, void (*set_up)(ModelCluster&));
  ModelClient(const ModelClient&) = delete;

  void start();
  // No further batch: it ends what is open, and leaves.
  void begin_to_end() { is_ending_ = true; }
  const std::string& name() const { return name_; }
  bool is_over() const { return is_over_; }
  // Process and secret, of its last login. Empty while it logs in.
  const ByteBuffer& cancel_key() const { return cancel_key_; }
  // Of all its logins.
  const std::vector<ByteBuffer>& all_cancel_keys() const { return all_cancel_keys_; }
  // What it has sent, or is about to send, may be canceled by somebody else.
  void expect_cancel();
  // Whether somebody has asked to cancel what this connection does, so long ago at most, or pgweir has for its time.
  bool may_be_canceled(SimTime lately) const;
  // Is logged in, and the program has not closed its connection.
  bool is_inside() const { return end_ && !in_startup_ && !end_->peer_has_left(); }
  // Waits longer than it should.
  bool is_overdue() const;
  std::uint64_t lives() const { return lives_; }    // connections
  std::uint64_t logins() const { return logins_; }  // of them, that were let in
  std::uint64_t batches() const { return batches_; }
  // That ended without an answer to all of the login, and were not turned away at once.
  std::uint64_t lost_logins() const { return lives_ - logins_ - turned_away_; }
  std::uint64_t answers() const { return answers_; }  // to batches, whole
  // To batches that had none, or none that was whole, when the connection ended.
  std::uint64_t lost_answers() const { return batches_ - answers_; }
  std::uint64_t ends() const { return ends_; }  // of them, outside of a transaction
  // What pgweir has sent, and it may not have read: the ends of logins, and answers to batches that are whole and no error.
  std::uint64_t sent_logins() const;
  std::uint64_t unread_answers() const;
  std::uint64_t unread_ends() const;
  std::uint64_t messages() const { return messages_; }
  std::uint64_t cancels() const { return cancels_; }

 private:
  // A batch that is canceled: what a direct connection would say is known when its answer is there.
  struct Canceled {
    Batch batch;
    std::vector<Message> answer;
    bool was_running = false;  // when the request went out, long before the statement's own end
  };

  void connect();
  void log_in();
  void take_what_came();
  void take(const Message& message);
  void take_startup(const Message& message);
  void take_of_canceled(const Message& message);
  void take_read_only(const std::string& value);
  bool may_be_refused_to_write(const Message& error) const;
  void compare(const Message& message);
  bool is_past_query_timeout() const;
  void check_drain();
  std::string not_done() const;
  void take_news(const std::string& payload);
  void check_news();
  bool listens() const;
  void answered();
  void settled();
  void plan_batch();
  void send_batch(const Batch& batch);
  void send_long_batch();
  void stop_reading();
  void read_on();
  void must_be_ended_unread();
  void fall_silent();
  void go_as_listener();
  void must_be_ended_silent();
  void request_cancel();
  void meddle();
  void send_cancel_request(const ByteBuffer& key);
  void send(const ByteBuffer& bytes);
  void send_now(const ByteBuffer& bytes);
  void send_in_pieces(const ByteBuffer& bytes);
  void send_byte_by_byte(const ByteBuffer& bytes);
  void send_at(SimTime at, ByteView piece);
  void push();
  void note_zone(const Batch& batch);
  void leave_unfinished();
  void leave();
  void vanish(const std::string& how);
  void be_gone(const std::string& how);
  void connection_lost(const std::string& how);
  void after(SimTime delay, void (ModelClient::*then)());
  SimTime up_to(SimTime longest);
  SimTime pause() { return up_to(habits_.longest_pause); }

  Kernel& kernel_;
  Trace& trace_;
  ClientWorld& world_;
  const std::string name_;
  const std::uint16_t port_;
  const char* const user_;
  const ClientHabits habits_;
  void (*const set_up_)(ModelCluster&);
  Random random_;
  ScriptWriter writer_;
  std::unique_ptr<Reference> reference_;
  std::shared_ptr<End> end_;
  Expectation expected_;
  std::vector<std::shared_ptr<SentAnswers>> sent_;  // over each of its connections
  std::string zone_;                                // TimeZone, behind the last batch
  std::optional<Canceled> canceled_;
  std::optional<std::size_t> last_news_;   // that the client has heard since it began to listen
  std::optional<std::size_t> hears_from_;  // the first that it has to hear
  bool is_unlistening_ = false;            // it may miss some, until all is answered
  bool may_hear_ = false;           // some, as it listens, or has asked for a change that is not answered
  SimTime cancel_may_hit_until_{};  // a late one may meet the next statement, as with PostgreSQL
  SimTime cancel_asked_{};          // the last time; zero: never by this connection
  std::vector<ByteBuffer> all_cancel_keys_;
  ByteBuffer cancel_key_;                             // process and secret, as the login told them
  std::map<std::string, std::string> told_;           // settings, at the startup
  std::map<std::string, std::string> told_directly_;  // the same by the reference
  ByteBuffer received_;
  ByteBuffer unsent_;
  std::uint64_t life_ = 0;                              // plans of an earlier connection are void
  int unanswered_ = 0;                                  // batches
  TransactionStatus status_ = TransactionStatus::idle;  // as it was told
  SimTime outside_since_{};      // when it was last in no transaction, and waited for nothing
  bool is_amid_answer_ = false;  // it has a part of one
  SimTime waits_since_{};
  SimTime asked_at_{};                                   // when it sent its last batch
  std::optional<SimTime> settled_without_notification_;  // since when all else that was expected has come
  SimTime pieces_end_{};                                 // when the last piece of a batch goes out
  const char* silence_ends_with_ = nullptr;  // while it sends nothing: the error that a timeout gives it
  SimTime heard_at_{};
  bool reads_ = true;
  std::optional<SimTime> full_since_;  // since when nothing more of what it does not read can arrive
  bool in_startup_ = true;
  bool asked_for_tls_ = false;
  bool was_refused_ = false;
  bool is_planned_ = false;
  bool is_ending_ = false;
  bool has_said_last_ = false;
  bool is_over_ = false;
  std::uint64_t lives_ = 0;
  std::uint64_t logins_ = 0;
  std::uint64_t turned_away_ = 0;
  std::uint64_t batches_ = 0;
  std::uint64_t answers_ = 0;
  std::uint64_t ends_ = 0;
  std::uint64_t messages_ = 0;
  std::uint64_t cancels_ = 0;
};

}  // namespace pgweir::simulation
