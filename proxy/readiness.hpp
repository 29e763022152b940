// Which sockets of a worker can be read or written, and which coroutine to wake for them.
//
// A descriptor is registered once, edge-triggered, and stays registered for as long as it lives on this
// worker: waiting costs no system call. (Asio 1.81 needs an epoll_ctl for each async_wait; this set hangs
// under Asio's own by one descriptor.) What epoll reports is latched in the Slot until a read or write finds
// it spent, so it is a hint: whoever acts on it must tolerate EAGAIN.
//
// A coroutine that has nothing to do sleeps on its Waker. Readiness, a granted backend, an expired deadline
// and a cancel all just wake it; it then looks around. Wakers run one after the other, from this file only.
//
// An idle backend is watched by no Waker, so any thread may take it away from a worker: detach() may be
// called from another thread then. An event that was already fetched for it can at worst set a bit in a Slot
// that has found a new tenant, a spurious hint. That is why Slots are never freed before the Reactor, and
// their bits are atomic.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "proxy/unique_fd.hpp"

namespace pgweir {

class Reactor;

// One sleeper. Owning worker's thread only; destroyed before its Reactor.
class Waker {
 public:
  explicit Waker(Reactor& reactor);
  ~Waker();
  Waker(const Waker&) = delete;
  Waker& operator=(const Waker&) = delete;

  // Lets the sleeper run soon; remembered when it does not sleep. Never runs it inside this call.
  void wake();
  // Completes after the next wake(), or soon if there was one since the last wait. At most one wait at a
  // time.
  template <class Token>
  auto wait(Token&& token) {
    return boost::asio::async_initiate<Token, void()>(
        [this](auto handler) { this->start(std::move(handler)); }, token);
  }

 private:
  friend class Reactor;

  // Destroys the sleeping coroutine where it sleeps.
  void abandon();

  struct Wait {
    virtual void complete() = 0;
    virtual void destroy() = 0;

   protected:
    ~Wait() = default;
  };

  template <class Handler>
  struct HandlerWait final : Wait {
    explicit HandlerWait(Handler h) : handler(std::move(h)) {}
    void complete() override {
      Handler h(std::move(handler));
      destroy();
      std::move(h)();
    }
    void destroy() override {
      using Allocator = typename std::allocator_traits<
          boost::asio::associated_allocator_t<Handler>>::template rebind_alloc<HandlerWait>;
      Allocator allocator(boost::asio::get_associated_allocator(handler));
      this->~HandlerWait();
      allocator.deallocate(this, 1);
    }
    Handler handler;
  };

  template <class Handler>
  void start(Handler handler) {
    using Allocator = typename std::allocator_traits<
        boost::asio::associated_allocator_t<Handler>>::template rebind_alloc<HandlerWait<Handler>>;
    Allocator allocator(boost::asio::get_associated_allocator(handler));
    wait_ = new (allocator.allocate(1)) HandlerWait<Handler>(std::move(handler));
    if (signalled_) wake();
  }

  Reactor& reactor_;
  Wait* wait_ = nullptr;
  Waker* next_ = nullptr;
  Waker* previous_ = nullptr;
  Waker* next_known_ = nullptr;
  Waker* previous_known_ = nullptr;
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
  void set_unreadable() {
    bits_.fetch_and(static_cast<std::uint8_t>(~readable_bit), std::memory_order_relaxed);
  }
  void set_unwritable() {
    bits_.fetch_and(static_cast<std::uint8_t>(~writable_bit), std::memory_order_relaxed);
  }
  // Who is to be woken; nullptr for nobody. Owning worker's thread only.
  void watch(Waker* waker) { waker_ = waker; }
  // As if something had happened on the socket. Owning worker's thread.
  void wake() {
    if (waker_ != nullptr) waker_->wake();
  }

 private:
  friend class Reactor;
  static constexpr std::uint8_t readable_bit = 1;
  static constexpr std::uint8_t writable_bit = 2;
  static constexpr std::uint8_t hangup_bit = 4;

  std::uint8_t bits() const { return bits_.load(std::memory_order_relaxed); }

  std::atomic<std::uint8_t> bits_{0};
  Waker* waker_ = nullptr;
};

class Reactor {
 public:
  // `on_batch` runs on the worker's thread whenever events have been fetched, before any Waker runs.
  Reactor(boost::asio::io_context& io, std::function<void()> on_batch);
  ~Reactor();

  // Owning worker's thread. Null when the kernel refuses (errno tells why).
  Slot* attach(int fd, Waker* waker);
  // Owning worker's thread; any thread while nobody watches the slot. The descriptor must still be open.
  void detach(int fd, Slot* slot);
  // Closes down: coroutines are destroyed where they sleep, as soon as the io_context gets to it.
  void stop();

 private:
  friend class Waker;
  static constexpr int events_max = 256;  // fetched by one system call
  static constexpr int rounds_max = 16;   // before Asio's own work gets its turn

  void arm();
  void on_readable();
  int fetch();
  void run_wakers();
  void schedule_run();
  bool has_wakers() const { return linked_ > 0; }
  void link(Waker& waker);
  void unlink(Waker& waker);

  boost::asio::io_context& io_;
  boost::asio::posix::stream_descriptor epoll_;
  std::function<void()> on_batch_;
  std::array<epoll_event, events_max> events_;
  std::deque<Slot> slots_;
  std::mutex free_mutex_;
  std::vector<Slot*> free_;
  Waker* known_ = nullptr;  // all there are
  Waker* first_ = nullptr;  // woken, in order
  Waker* last_ = nullptr;
  std::size_t linked_ = 0;
  bool running_ = false;
  bool run_scheduled_ = false;
  bool stopped_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace pgweir
