// What is known of the code that a database's statements may run: its functions, its triggers, and what
// views, defaults and policies run unseen. It also knows whether clients ask for the values of sequences.
// There is one for each pool. Thread rule: any thread.
#pragma once

#include <atomic>

#include "proxy/base/clock.hpp"
#include "proxy/code/function_table.hpp"
#include "proxy/code/unseen_code.hpp"

namespace pgweir {

class CodeCatalog {
 public:
  FunctionTable& functions() { return functions_; }
  UnseenCode& triggers() { return triggers_; }
  // What views and the like run unseen, see definitions_name.
  UnseenCode& definitions() { return definitions_; }
  // What is known of all three may have become wrong.
  void forget();

  // A transaction that has changed code was prepared for two-phase commit: any COMMIT PREPARED may be its own.
  void note_prepared_change() { may_commit_change_.store(true, std::memory_order_relaxed); }
  bool may_commit_change() const { return may_commit_change_.load(std::memory_order_relaxed); }

  // A client has asked for currval() or lastval(): from now on a session that advances a sequence keeps its
  // backend.
  void learn_sequence_use() {
    if (!uses_sequence_values()) uses_sequence_values_.store(true, std::memory_order_relaxed);
  }
  bool uses_sequence_values() const { return uses_sequence_values_.load(std::memory_order_relaxed); }
  // Whether views and policies take the values of sequences, and whether they ask for them. While their
  // definitions are read anew, the old answer counts.
  void learn_sequences_in_views(bool advance, bool read) {
    views_.advance.store(advance, std::memory_order_relaxed);
    views_.read.store(read, std::memory_order_relaxed);
  }
  bool views_advance_sequences() const { return views_.advance.load(std::memory_order_relaxed); }
  bool views_read_sequences() const { return views_.read.load(std::memory_order_relaxed); }

 private:
  FunctionTable functions_;
  UnseenCode triggers_;
  UnseenCode definitions_;
  std::atomic<bool> may_commit_change_{false};
  std::atomic<bool> uses_sequence_values_{false};
  struct {
    std::atomic<bool> advance{false};
    std::atomic<bool> read{false};
  } views_;
};

}  // namespace pgweir
