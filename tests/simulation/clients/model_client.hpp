// One client: it connects, logs in, sends batches that nobody else could have sent, compares every message of the
// answer with what a direct connection would have said, and leaves in one way or another. Then the next one comes.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "tests/simulation/clients/reference.hpp"
#include "tests/simulation/clients/script_writer.hpp"
#include "tests/simulation/kernel/kernel.hpp"
#include "tests/simulation/world/messages.hpp"
#include "tests/simulation/world/trace.hpp"

namespace pgweir::simulation {

// What a client needs to know of the world, and what it tells.
class ClientWorld {
 public:
  virtual ~ClientWorld() = default;
  // Something is wrong that no fault explains.
  virtual void fail(const std::string& what) = 0;
  // Whether a client may be told this now, out of turn: the world has faults, or the program drains.
  virtual bool explains(const std::string& sqlstate) const = 0;
  // Whether a connection may end without a word now.
  virtual bool explains_close() const = 0;
};

struct ClientHabits {
  SimTime longest_pause = std::chrono::milliseconds(300);
  double in_pieces = 0.1;      // the chance that a batch is sent byte by byte
  double pipelined = 0.1;      // that the next batch does not wait for the answer
  double leaves = 0.02;        // after a batch
  double leaves_rudely = 0.3;  // of those: without Terminate, or by a reset, or by falling silent
  SimTime patience = std::chrono::seconds(300);  // an answer that takes longer is a failure
};

class ModelClient {
 public:
  ModelClient(Kernel& kernel, Trace& trace, ClientWorld& world, int number, std::uint16_t port,
              ClientHabits habits, void (*set_up)(ModelCluster&));
  ModelClient(const ModelClient&) = delete;

  void start();
  // No further batch: it ends what is open, and leaves.
  void begin_to_end() { is_ending_ = true; }
  bool is_over() const { return is_over_; }
  // Waits longer than it should.
  bool is_overdue() const;
  std::uint64_t batches() const { return batches_; }
  std::uint64_t messages() const { return messages_; }

 private:
  void connect();
  void log_in();
  void take_what_came();
  void compare(const Message& message);
  void compare_startup(const Message& message);
  void compare_notification(const Message& message);
  void settled();
  void send_batch();
  void send(const ByteBuffer& bytes);
  void send_now(const ByteBuffer& bytes);
  void send_in_pieces(const ByteBuffer& bytes);
  void push();
  void leave();
  void be_gone(const std::string& how);
  void connection_lost(const std::string& how);
  void after(SimTime delay, void (ModelClient::*then)());
  SimTime pause();

  Kernel& kernel_;
  Trace& trace_;
  ClientWorld& world_;
  const std::string name_;
  const std::uint16_t port_;
  const ClientHabits habits_;
  void (*const set_up_)(ModelCluster&);
  Random random_;
  ScriptWriter writer_;
  std::unique_ptr<Reference> reference_;
  std::shared_ptr<End> end_;
  std::deque<Message> expected_;
  std::deque<Message> expected_notifications_;        // which may come one ReadyForQuery earlier or later
  std::map<std::string, std::string> told_;           // settings, at the startup
  std::map<std::string, std::string> told_directly_;  // the same by the reference
  ByteBuffer received_;
  ByteBuffer unsent_;
  std::uint64_t life_ = 0;  // plans of an earlier connection are void
  int unanswered_ = 0;      // batches
  SimTime waits_since_{};
  SimTime pieces_end_{};  // when the last piece of a batch goes out
  bool in_startup_ = true;
  bool was_refused_ = false;
  bool is_planned_ = false;
  bool is_ending_ = false;
  bool has_said_last_ = false;
  bool is_over_ = false;
  std::uint64_t batches_ = 0;
  std::uint64_t messages_ = 0;
};

}  // namespace pgweir::simulation
