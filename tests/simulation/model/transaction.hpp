// Transactions of a session as xact.c has them: when a command begins one, how it ends, what a savepoint is.
#pragma once

#include "protocol/message.hpp"
#include "tests/simulation/model/session_state.hpp"

namespace pgweir::simulation {

class TransactionControl {
 public:
  explicit TransactionControl(SessionState& state) : s_(state), t_(state.transaction) {}

  // --- Around commands
  void start_command();
  void begin_implicit();
  void end_implicit();
  void finish_command();  // may commit, and so may throw
  void on_error();
  bool is_running() const { return t_.block != Block::none; }
  TransactionStatus status() const;

  // --- The commands themselves
  std::string run(const TransactionCommand& command);  // returns the tag
  void set_modes(const std::vector<TransactionMode>& modes);

  // --- For other commands. `what` stands in the message.
  void require_block(const std::string& what) const;        // 25P01
  void warn_without_block(const std::string& what);         // 25P01 as a warning
  void prevent_in_block(const std::string& what);           // 25001
  void require_writable(const std::string& what) const;     // 25006
  void require_no_recovery(const std::string& what) const;  // 25006
  TransactionId id_for_writing();
  TransactionId id() const { return t_.id; }  // 0: has not written
  std::uint64_t snapshot();

 private:
  void begin_block();
  void commit_block(bool chain);
  void roll_back_block(bool chain);
  void set_savepoint(const std::string& name);
  void release(const std::string& name);
  void roll_back_to(const std::string& name);
  std::size_t find_savepoint(const std::string& name, const std::string& what) const;
  void abort_savepoint();  // the innermost one
  void start();
  void commit();
  void abort();
  void end(bool commit);
  void chain_or_stop();
  void forget_modes();

  SessionState& s_;
  Transaction& t_;
};

}  // namespace pgweir::simulation
