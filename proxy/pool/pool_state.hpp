// The bookkeeping of one pool: who has which backend, who waits, what may be opened. Pure: no lock, socket or
// clock; the Pool around it locks, acts on the answers and tells the time.
//
//                 open_failed
//              +--------------+
//   (free) -> opening -> idle <-> borrowed -> leaving -> (free)
//                  \________________________/
//
// A slot is taken from the first byte of a login until the server has closed its end of the connection, so
// that the server never sees more than max_size connections, not even while one is being replaced.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "proxy/backend/pool_member.hpp"
#include "proxy/base/backend_reason.hpp"
#include "proxy/base/clock.hpp"
#include "proxy/base/facts.hpp"

namespace pgweir {

struct LeavingMember {
  PoolMember* member = nullptr;
  BackendClose reason{};
  bool operator==(const LeavingMember&) const = default;
};

// One session that waits for a backend; it lives in the session. It is changed only under the pool's lock.
struct Waiter {
  unsigned worker = 0;
  std::uint64_t session = 0;
  // The backend that the waiter was granted, set before it leaves the queue. Written under the lock, read by
  // the session without it.
  std::atomic<PoolMember*> granted{nullptr};
  std::atomic<bool> queued{false};
  TimePoint since{};
  Waiter* next = nullptr;
  Waiter* previous = nullptr;
};

struct PoolLimits {
  std::size_t min_size = 0;
  std::size_t max_size = 0;
  std::size_t max_logins = 0;
  std::chrono::milliseconds idle_timeout{0};  // 0: never
};

class PoolState {
 public:
  explicit PoolState(PoolLimits limits) : limits_(limits) {}

  // The most recently used idle backend of this worker, else of any; null when there is none, or when other
  // sessions have been waiting longer.
  PoolMember* take_idle(unsigned worker);

  void enqueue(Waiter& waiter);
  // Takes the waiter out of the queue. If it was granted a backend in the meantime, the caller has that
  // backend now.
  void dequeue(Waiter& waiter);

  // A backend is free: it goes to the oldest waiter, which is returned, or becomes idle. `from_login`: it was
  // not borrowed but opened.
  Waiter* put(PoolMember& member, TimePoint now, bool from_login);

  // A backend that counts as borrowed is away for a moment, without a client. No login is begun for the
  // waiter that it will serve. Then it goes to the oldest waiter, or back to its place among the idle ones,
  // or it leaves.
  void begin_errand() { ++errands_; }
  void end_errand() { --errands_; }
  Waiter* put_back(PoolMember& member);

  // How many logins to begin now; each is counted as opening at once.
  std::size_t begin_opening(TimePoint now);
  void open_failed(TimePoint now);
  // A backend was opened, but it is of an old generation already, and is closed unused.
  void begin_leaving_unused(PoolMember& member);
  // A login that is to prove a password takes a place, too, if there is one. The login counts as opening;
  // put() or begin_leaving_unused() follows, or proof_failed().
  bool begin_proof();
  void proof_failed() { --places(MemberState::opening); }
  // Where there is no place, the backend that has been idle longest makes room, one at a time. It counts as
  // leaving; null: there is none.
  PoolMember* make_room();
  // When to ask begin_opening() again although nothing else happens.
  TimePoint retry_at() const { return retry_at_; }

  // begin_leaving(): a borrowed backend is being closed. closed(): its server process is gone.
  void begin_leaving(PoolMember& member) { move(member, MemberState::leaving); }
  void closed(const PoolMember& member) { --places(member.state); }

  // Takes the idle backends that have outlived their time, are of an old generation, or are too many. They
  // count as leaving.
  void take_expired(TimePoint now, std::vector<LeavingMember>& out);
  // Takes those idle backends for which the predicate holds: the backends count as borrowed.
  template <class Predicate>
  void take_idle_if(Predicate predicate, std::vector<PoolMember*>& out) {
    std::erase_if(idle_, [&](PoolMember* member) {
      if (!predicate(*member)) return false;
      move(*member, MemberState::borrowed);
      out.push_back(member);
      return true;
    });
  }

  template <class Function>
  void for_each_idle(Function function) const {
    for (const PoolMember* member : idle_) function(*member);
  }

  // All backends that exist now are to be replaced, as they come back.
  void recycle() { ++generation_; }
  std::uint64_t generation() const { return generation_; }
  // While paused no login begins; together with recycle() that keeps every waiter waiting.
  void set_paused(bool paused) { paused_ = paused; }
  bool paused() const { return paused_; }
  // Why a backend that comes back now is not to be lent again; nullopt: it is.
  std::optional<BackendClose> must_leave(const PoolMember& member, TimePoint now) const;

  void set_limits(PoolLimits limits) { limits_ = limits; }
  const PoolLimits& limits() const { return limits_; }
  PoolCounts counts() const;
  Waiter* oldest_waiter() const { return first_; }
  // Consecutive failed logins.
  unsigned failures() const { return failures_; }

 private:
  std::size_t& places(MemberState state) { return places_[static_cast<std::size_t>(state)]; }
  std::size_t places(MemberState state) const { return places_[static_cast<std::size_t>(state)]; }
  // The only place where a member's state changes, and with it what is counted.
  void move(PoolMember& member, MemberState to) {
    --places(member.state);
    ++places(member.state = to);
  }
  Waiter* grant(PoolMember& member);
  std::optional<BackendClose> too_old(const PoolMember& member, TimePoint now) const;
  // All backends but those that are on their way out.
  std::size_t living() const {
    return places(MemberState::idle) + places(MemberState::borrowed) + places(MemberState::opening);
  }
  std::size_t total() const { return living() + places(MemberState::leaving); }
  // How many more backends there are than the limit allows, after it has shrunk. Those that leave are not
  // counted, as each would send another one away.
  std::size_t surplus() const { return living() > limits_.max_size ? living() - limits_.max_size : 0; }

  PoolLimits limits_;
  std::vector<PoolMember*> idle_;                         // most recently used last
  std::array<std::size_t, member_state_count> places_{};  // taken, by MemberState
  std::size_t errands_ = 0;
  std::uint64_t generation_ = 0;
  bool paused_ = false;
  Waiter* first_ = nullptr;  // oldest
  Waiter* last_ = nullptr;
  std::size_t waiting_ = 0;
  unsigned failures_ = 0;
  TimePoint retry_at_{};
};

}  // namespace pgweir
