// One thread, one Reactor and one io_context. The thread's loop is the
// Reactor's: sockets and their coroutines. Asio's io_context serves what is rare beside them (functions that
// other threads post, coroutines that begin, name resolution, timers) and is looked at only when there is
// something for it, and every asio_interval for the timers.
// Thread rule: everything is for the worker's own thread, except what says "any thread".
#pragma once

#include <array>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "proxy/base/clock.hpp"
#include "proxy/base/counters.hpp"
#include "proxy/login/snapshot.hpp"
#include "proxy/net/outgoing.hpp"
#include "proxy/net/readiness.hpp"
#include "proxy/net/task.hpp"
#include "proxy/state/settings_memo.hpp"
#include "proxy/state/text_memo.hpp"
#include "proxy/worker/handshake_turns.hpp"
#include "proxy/worker/worker_shared.hpp"

namespace pgweir {

// What one read may bring. Bounds the work of one turn of a session, too.
constexpr std::size_t scratch_size = 64 * 1024;
// How often deadlines and pools are looked at.
constexpr std::chrono::milliseconds janitor_interval{50};
// How late a timer of Asio's may run, on an idle worker.
constexpr std::chrono::milliseconds asio_interval{20};
// The same while a name is being resolved, for Asio's resolver does not tell the Reactor; and while a
// handshake waits for its worker to have rested.
constexpr std::chrono::milliseconds short_interval{1};

class Worker {
 public:
  // The configuration allows no more.
  static constexpr std::uint64_t max_workers = 1024;

  Worker(unsigned index, WorkerShared& shared, SnapshotRef snapshot);
  ~Worker();

  void start();
  // Any thread. Destroys what still runs; join() returns when the thread has ended.
  void stop();
  void join();
  // One round of its loop. Its own thread makes one after the other; a worker that was never started may be turned
  // by the thread that made it instead, which is how a test runs several of them in one thread.
  void turn();

  unsigned index() const { return index_; }
  WorkerShared& shared() { return shared_; }
  Interner& interner() { return shared_.interner; }
  boost::asio::io_context& io() { return io_; }
  Reactor& reactor() { return reactor_; }
  TaskList& tasks() { return tasks_; }
  const Reactor& reactor() const { return reactor_; }
  // The time of the current batch of events: no system call.
  TimePoint now() const { return now_; }
  // What turn() does before each batch; for a worker that is not turned, its owner tells the time.
  void use_time(TimePoint now) { now_ = now; }
  const Snapshot& snapshot() const { return *snapshot_; }
  SnapshotRef snapshot_ref() const { return snapshot_; }

  // Scratch of the session that is running, between two of its suspensions.
  std::span<Byte> scratch() { return scratch_; }
  // For a look at an idle backend, which happens while scratch() holds a client's bytes.
  std::span<Byte> idle_scratch() { return idle_scratch_; }
  Outgoing& to_client() { return to_client_; }
  Outgoing& to_server() { return to_server_; }
  HandshakeTurns& handshake_turns() { return handshake_turns_; }
  SettingsMemo& settings_memo() { return settings_memo_; }
  TextMemo& text_memo() { return text_memo_; }
  WorkerCounters& counters() { return counters_; }
  const WorkerCounters& counters() const { return counters_; }

  // Any thread: runs the function on the worker's own, soon.
  template <class Function>
  void post(Function&& function) {
    boost::asio::post(io_, std::forward<Function>(function));
    reactor_.interrupt();
  }
  // On its own thread: runs the function in the next round of its loop, when clients have had their turn.
  void next_round(std::function<void()> function) {
    next_round_.push_back(std::move(function));
    reactor_.interrupt();
  }
  // Any thread.
  void use_snapshot(SnapshotRef snapshot);
  // Any thread: how much CPU time its thread has had. Zero before it runs.
  std::chrono::nanoseconds cpu_time() const;
  // Any thread: when its loop has last turned.
  TimePoint last_turn() const {
    return TimePoint(TimePoint::duration(last_turn_.load(std::memory_order_relaxed)));
  }

  // Before start(): what is done every janitor_interval, in this order.
  void each_tick(std::function<void(TimePoint)> function) { each_tick_.push_back(std::move(function)); }
  // A number that was never given out before, by no worker. Never 0.
  std::uint64_t new_number() { return ++numbers_ * max_workers + index_; }
  // True for every `n`th call.
  bool is_nth_release(std::uint32_t n) { return ++releases_ % n == 0; }

  // While it exists, what Asio's own threads have finished is noticed within short_interval.
  class Resolving {
   public:
    explicit Resolving(Worker& worker) : worker_(worker) { ++worker_.resolving_; }
    ~Resolving() { --worker_.resolving_; }
    Resolving(const Resolving&) = delete;
    Resolving& operator=(const Resolving&) = delete;

   private:
    Worker& worker_;
  };

 private:
  void run();
  void tick();

  const unsigned index_;
  WorkerShared& shared_;
  SnapshotRef snapshot_;
  unsigned resolving_ = 0;
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  TimePoint now_ = Clock::now();
  TimePoint asio_at_{};
  TimePoint janitor_at_ = now_ + janitor_interval;
  Reactor reactor_;
  TaskList tasks_;
  std::vector<Byte> scratch_;
  std::array<Byte, 4096> idle_scratch_;
  Outgoing to_client_;
  Outgoing to_server_;
  HandshakeTurns handshake_turns_;
  SettingsMemo settings_memo_;
  TextMemo text_memo_;
  WorkerCounters counters_;
  std::vector<std::function<void()>> next_round_;
  std::vector<std::function<void(TimePoint)>> each_tick_;
  std::uint64_t releases_ = 0;
  std::uint64_t numbers_ = 0;
  std::atomic<TimePoint::rep> last_turn_{now_.time_since_epoch().count()};
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace pgweir
