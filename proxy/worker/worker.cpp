#include "proxy/worker/worker.hpp"

#include <pthread.h>

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <cstdlib>
#include <ctime>
#include <exception>

#include "proxy/base/log.hpp"

namespace pgweir {

namespace asio = boost::asio;
namespace {

// A bug, or out of memory: what the coroutine owned is in an unknown state.
[[noreturn]] void end_on_exception(std::exception_ptr error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    log::error("internal_error", {{"message", e.what()}});
  } catch (...) {
    log::error("internal_error", {});
  }
  log::flush();
  std::abort();
}

}  // namespace

Worker::Worker(unsigned index, WorkerShared& shared, SnapshotRef snapshot)
    : index_(index),
      shared_(shared),
      snapshot_(std::move(snapshot)),
      work_(asio::make_work_guard(io_)),
      tasks_(end_on_exception),
      scratch_(scratch_size),
      settings_memo_(shared.interner) {
  // Asio's timers open three descriptors when the first one is made. That has to be before clients come and
  // take the last ones.
  const asio::steady_timer first(io_);
}

Worker::~Worker() {
  stop();
  join();
}

void Worker::start() {
  thread_ = std::thread([this] {
    ::pthread_setname_np(::pthread_self(), ("worker-" + std::to_string(index_)).c_str());
    run();
  });
}

void Worker::run() {
  while (!stopping_) turn();
}

void Worker::turn() {
  const bool looks_often = resolving_ > 0 || handshake_turns_.rests(now_);
  reactor_.fetch(looks_often ? short_interval : asio_interval);
  use_time(Clock::now());
  if (reactor_.take_interrupt() || resolving_ > 0 || now_ >= asio_at_) {
    const auto functions = std::exchange(next_round_, {});
    io_.poll();
    for (const auto& function : functions) function();
    asio_at_ = now_ + asio_interval;
  }
  if (now_ >= janitor_at_ && !stopping_) {
    tick();
    janitor_at_ = now_ + janitor_interval;
  }
  reactor_.run_wakers();
  handshake_turns_.next_round(now_);
}

// Coroutines end where they sleep.
void Worker::stop() {
  post([this] {
    if (std::exchange(stopping_, true)) return;
    tasks_.clear();
    io_.stop();
  });
}

void Worker::join() {
  if (thread_.joinable()) thread_.join();
}

void Worker::use_snapshot(SnapshotRef snapshot) {
  post([this, snapshot = std::move(snapshot)]() mutable { snapshot_ = std::move(snapshot); });
}

std::chrono::nanoseconds Worker::cpu_time() const {
  if (!thread_.joinable()) return {};
  clockid_t clock{};
  timespec time{};
  // native_handle() changes nothing, but is not const.
  const auto handle = const_cast<std::thread&>(thread_).native_handle();
  if (::pthread_getcpuclockid(handle, &clock) != 0 || ::clock_gettime(clock, &time) != 0) return {};
  return std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec};
}

void Worker::tick() {
  last_turn_.store(now_.time_since_epoch().count(), std::memory_order_relaxed);
  for (const auto& function : each_tick_) function(now_);
}

}  // namespace pgweir
