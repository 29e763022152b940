// Locks of all sessions: advisory ones, those on relations, and on running transactions (for who waits for
// the end of one). First come, first served: who asks queues behind everyone in front whose wish conflicts.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace pgweir::simulation {

using Pid = std::uint32_t;

struct LockKey {
  enum class Kind : std::uint8_t { advisory, advisory_pair, relation, name, transaction };
  Kind kind = Kind::advisory;
  std::string database;
  std::uint64_t number = 0;
  std::string name = {};
  auto operator<=>(const LockKey&) const = default;
};

enum class LockMode : std::uint8_t { shared, exclusive };

class LockTable {
 public:
  // Session locks have level 0 and are counted; those of a transaction have the level that took them.
  // False: not yet, and the session is in the queue.
  bool acquire(Pid pid, const LockKey& key, LockMode mode, int level);
  // The same, without a place in the queue.
  bool try_acquire(Pid pid, const LockKey& key, LockMode mode, int level);
  void stop_waiting(Pid pid);

  // One session lock. False: there was none.
  bool release(Pid pid, const LockKey& key, LockMode mode);
  void release_advisory(Pid pid);          // all session locks
  void release_level(Pid pid, int level);  // of a transaction that has ended, or rolled back to there
  void merge_level(Pid pid, int level);    // into the one around it
  void release_all(Pid pid);

  bool holds_advisory(Pid pid) const;
  std::vector<LockKey> advisory_locks(Pid pid) const;  // also those of a transaction
  // Whether the waiter waits for itself.
  bool is_deadlocked(Pid pid) const;

 private:
  struct Held {
    Pid pid;
    LockMode mode;
    std::vector<int> levels;
  };
  struct Waiting {
    Pid pid;
    LockMode mode;
  };
  struct Lock {
    std::vector<Held> held;
    std::vector<Waiting> queue;
  };

  bool may_have(const Lock& lock, Pid pid, LockMode mode) const;
  std::vector<Pid> blockers(Pid pid) const;
  template <typename Predicate>
  void drop_levels(Pid pid, Predicate predicate);

  std::map<LockKey, Lock> locks_;
};

}  // namespace pgweir::simulation
