// Which sockets of a worker can be read or written, and which coroutine to wake for them.
//
// A descriptor is registered once, edge-triggered, and stays registered for as long as it lives on this
// worker, so a round of the worker's loop is one epoll_wait. (Asio 1.81 needs an epoll_ctl for each
// async_wait, and a look into its own epoll set; it serves what is rare on a worker, see Worker::run().) What
// epoll reports is latched in the Slot until a read or write finds it spent, so it is a hint: the code that
// acts on it must tolerate EAGAIN.
//
// A coroutine that has nothing to do sleeps on its Waker. Readiness, a granted backend, an expired deadline
// and a cancel all just wake it; it then looks around. Wakers run one after the other, from this file only.
//
// An idle backend is watched by no Waker, so any thread may take it away from a worker: detach() may be
// called from another thread then. An event that was already fetched for it can at worst set a bit in a Slot
// that serves another descriptor by then, which is a spurious hint. That is why Slots are never freed before
// the Reactor, and their bits are atomic.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <atomic>
#include <chrono>
#include <coroutine>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "proxy/net/unique_fd.hpp"

namespace pgweir {

class Reactor;

// One sleeper. Owning worker's thread only; destroyed before its Reactor.
class Waker {
 public:
  explicit Waker(Reactor& reactor) : reactor_(reactor) {}
  ~Waker();
  Waker(const Waker&) = delete;
  Waker& operator=(const Waker&) = delete;

  // Lets the sleeper run soon; remembered when it does not sleep. Never runs it inside this call.
  void wake();
  // Sleeps until the next wake(), or only for a round if there was one since the last wait. At most one wait
  // at a time.
  auto wait() {
    struct Sleep {
      Waker& waker;
      bool await_ready() const noexcept { return false; }
      void await_suspend(std::coroutine_handle<> sleeper) const { waker.sleep(sleeper); }
      void await_resume() const noexcept {}
    };
    return Sleep{*this};
  }

 private:
  friend class Reactor;

  void sleep(std::coroutine_handle<> sleeper);

  Reactor& reactor_;
  std::coroutine_handle<> sleeper_;
  Waker* next_ = nullptr;
  Waker* previous_ = nullptr;
  bool queued_ = false;
  bool signalled_ = false;
};

// The latched readiness of one descriptor.
class Slot {
 public:
  bool readable() const { return (bits() & (readable_bit | hangup_bit)) != 0; }
  bool writable() const { return (bits() & writable_bit) != 0; }
  // The peer has closed its direction: reading goes on until it says so.
  bool hung_up() const { return (bits() & hangup_bit) != 0; }
  // Urgent data were sent: a read ends in front of them, although more follows.
  bool has_urgent() const { return (bits() & urgent_bit) != 0; }
  void set_unreadable() {
    bits_.fetch_and(static_cast<std::uint8_t>(~readable_bit), std::memory_order_relaxed);
  }
  void set_unwritable() {
    bits_.fetch_and(static_cast<std::uint8_t>(~writable_bit), std::memory_order_relaxed);
  }
  // Which Waker to wake; nullptr for none. Owning worker's thread only.
  void watch(Waker* waker) { waker_ = waker; }
  // Wakes as if something had happened on the socket. Owning worker's thread.
  void wake() {
    if (waker_ != nullptr) waker_->wake();
  }

 private:
  friend class Reactor;
  static constexpr std::uint8_t readable_bit = 1;
  static constexpr std::uint8_t writable_bit = 2;
  static constexpr std::uint8_t hangup_bit = 4;
  static constexpr std::uint8_t urgent_bit = 8;

  std::uint8_t bits() const { return bits_.load(std::memory_order_relaxed); }

  std::atomic<std::uint8_t> bits_{0};
  Waker* waker_ = nullptr;
};

class Reactor {
 public:
  Reactor();

  // Owning worker's thread, all three. Fetches what has happened, and waits for it at most that long. It does
  // not wait while a Waker is awake, and interrupt() ends the wait.
  void fetch(std::chrono::milliseconds wait);
  // Runs those that are awake now. One that is woken meanwhile has its turn after the next fetch(), so that a
  // busy session cannot keep the others from running.
  void run_wakers();
  // Null when the kernel refuses (errno tells why).
  Slot* attach(int fd, Waker* waker);
  // Owning worker's thread; any thread while no Waker watches the slot. The descriptor must still be open.
  void detach(int fd, Slot* slot);
  // The same for a descriptor that was closed, which costs no system call.
  void free(Slot* slot);

  // Any thread: no fetch() waits from here on until the worker has taken notice.
  void interrupt();
  bool take_interrupt() { return interrupted_.exchange(false); }
  // The next fetch() does not wait. Owning worker's thread.
  bool is_awake() const { return interrupted_ || linked_ > 0; }
  // The last fetch() has got all that had happened before it: a Slot that is not readable was not readable
  // then.
  bool fetched_all() const { return fetched_all_; }

 private:
  friend class Waker;
  static constexpr int events_max = 256;  // fetched by one system call

  void link(Waker& waker);
  void unlink(Waker& waker);

  UniqueFd epoll_;
  UniqueFd interrupter_;  // an eventfd
  std::atomic<bool> interrupted_{false};
  std::atomic<bool> waiting_{false};
  bool fetched_all_ = true;
  std::array<epoll_event, events_max> events_;
  std::deque<Slot> slots_;
  std::mutex free_mutex_;
  std::vector<Slot*> free_;
  Waker* first_ = nullptr;  // woken, in order
  Waker* last_ = nullptr;
  std::size_t linked_ = 0;
};

}  // namespace pgweir
