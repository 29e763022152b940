// What has become of the transactions that have written something. A savepoint has an id of its own; its fate
// is that of the transaction around it, unless it was rolled back itself.
#pragma once

#include <cstdint>
#include <vector>

namespace pgweir::simulation {

using TransactionId = std::uint64_t;  // 0: before all transactions

class TransactionLog {
 public:
  enum class Fate { running, committed, aborted };

  TransactionId begin(TransactionId around);
  void commit(TransactionId id);
  void abort(TransactionId id) { entry(id).fate = Fate::aborted; }

  Fate fate(TransactionId id) const;
  TransactionId root(TransactionId id) const;

  // Commits are numbered: a snapshot is the number of the last one that it sees.
  std::uint64_t snapshot() const { return commits_; }
  // `mine`: the reader's transaction, or 0.
  bool sees(TransactionId id, std::uint64_t snapshot, TransactionId mine) const;

 private:
  struct Entry {
    TransactionId around = 0;
    Fate fate = Fate::running;
    std::uint64_t committed_at = 0;
  };
  Entry& entry(TransactionId id) { return entries_[id - 1]; }
  const Entry& entry(TransactionId id) const { return entries_[id - 1]; }

  std::vector<Entry> entries_;
  std::uint64_t commits_ = 0;
};

}  // namespace pgweir::simulation
