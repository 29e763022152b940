// What a client's transaction has asked of its channels, until the transaction ends: LISTEN and UNLISTEN take
// effect when it commits, and a rolled-back savepoint takes those along that came after it (PostgreSQL keeps
// the same lists in async.c). Fed with what each statement said and how the server answered it, from the
// first LISTEN or UNLISTEN of a transaction on: savepoints before it may be unknown.
//
// Owned by a session. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/message.hpp"
#include "protocol/sql_listen.hpp"

namespace pgweir {

class PendingListens {
 public:
  // A transaction with more actions and savepoints is not followed.
  static constexpr std::size_t entries_max = 10'000;

  // The statement has succeeded; `tag` is that of its CommandComplete.
  void completed(const ListenStep& step, std::string_view tag);
  // The server has reported an error.
  void failed() { failed_ = true; }
  // A statement succeeded that may be any of those that matter, but could not be read.
  void lose_track() { lost_track_ = true; }

  // ReadyForQuery. Returns what has taken effect since the last one, in order: listen, unlisten and
  // unlisten_all steps.
  std::vector<ListenStep> settle(TransactionStatus status);

  // The channels of every LISTEN that could take effect when the transaction commits; some may come twice.
  std::vector<std::string> candidates() const;
  // Whether an UNLISTEN could.
  bool unlistens() const;
  bool empty() const { return pending_.empty() && effective_.empty(); }
  // What has taken effect since the last settled moment is only a part of the truth. Until settle().
  bool lost_track() const { return lost_track_; }

 private:
  void add(const ListenStep& step);
  // Where the newest savepoint of this name stands; pending_.size() when there is none.
  std::size_t find_savepoint(std::string_view name) const;
  void roll_back_to(std::string_view name);
  void release(std::string_view name);
  void commit();

  std::vector<ListenStep> pending_;    // actions and savepoints of the running transaction, in order
  std::vector<ListenStep> effective_;  // actions of those that have committed
  bool failed_ = false;
  bool lost_track_ = false;
};

}  // namespace pgweir
