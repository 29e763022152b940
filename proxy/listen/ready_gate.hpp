// When a ReadyForQuery may reach a client that listens: not before the notifications of what was committed
// until then. Only the hub can tell that it has them all, by answering a round trip, of which one transaction
// needs one or two:
//
//   a transaction begins    early: what others have committed before comes before its ReadyForQuery
//   it has ended            late: and so does what its own NOTIFY has sent, if it may have run one
//
// Owned by a ListenState, which asks the hub. Pure.
#pragma once

#include <cstdint>

namespace pgweir {

class ReadyGate {
 public:
  // A transaction begins. True: a round trip has to begin, too.
  [[nodiscard]] bool begin_transaction();
  // It may run NOTIFY.
  void note_may_notify() { may_notify_ = true; }
  // The hub has just answered something else that it was asked during the transaction: as good as early.
  void note_answer();
  // The transaction has ended, and its ReadyForQuery is in hand. True: a round trip has to begin first.
  [[nodiscard]] bool needs_round_trip();
  // A ReadyForQuery goes to the client. `idle`: no transaction is open after it.
  void settle(bool idle);

  // The oldest round trip has been answered.
  void came_back() { --under_way_; }
  // Whether the ReadyForQuery in hand may be taken. If not, it waits.
  bool may_pass();

  void wait() { ready_ = Ready::waits; }
  bool is_waiting() const { return ready_ == Ready::waits; }
  // What it may have waited for is over: it is to be looked at again.
  void resume();
  bool take_resume();

 private:
  // Which round trip was the last to begin since the last ReadyForQuery outside of a transaction.
  enum class Asked : std::uint8_t { none, early, late };
  // The ReadyForQuery in hand.
  enum class Ready : std::uint8_t { free, waits, resumes };

  Asked asked_ = Asked::none;
  Ready ready_ = Ready::free;
  bool may_notify_ = false;  // since the last ReadyForQuery outside of a transaction
  unsigned under_way_ = 0;   // round trips that are not answered yet
};

}  // namespace pgweir
