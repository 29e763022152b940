#include "proxy/worker.hpp"

#include <pthread.h>

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <cstdlib>
#include <ctime>
#include <exception>

#include "proxy/log.hpp"
#include "proxy/services.hpp"
#include "proxy/session.hpp"

namespace pgweir {

namespace asio = boost::asio;
namespace {

// A bug of ours or the end of memory: what the coroutine owned is in an unknown state.
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

Worker::Worker(unsigned index, Services& services, SnapshotRef snapshot)
    : index_(index),
      services_(services),
      snapshot_(std::move(snapshot)),
      work_(asio::make_work_guard(io_)),
      tasks_(end_on_exception),
      scratch_(scratch_size),
      settings_memo_(services.interner) {
  // Asio's timers open three descriptors when the first one is made: before clients come, who might leave
  // none.
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
  TimePoint asio_at{};
  TimePoint janitor_at = now_ + janitor_interval;
  while (!io_.stopped()) {
    const bool looks_often = resolving_ > 0 || handshake_turns_.rests(now_);
    reactor_.fetch(looks_often ? short_interval : asio_interval);
    now_ = Clock::now();
    if (reactor_.take_interrupt() || resolving_ > 0 || stopping_ || now_ >= asio_at) {
      const auto functions = std::exchange(next_round_, {});
      io_.poll();
      for (const auto& function : functions) function();
      asio_at = now_ + asio_interval;
    }
    if (now_ >= janitor_at && !stopping_) {
      tick();
      janitor_at = now_ + janitor_interval;
    }
    reactor_.run_wakers();
    handshake_turns_.next_round(now_);
  }
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

void Worker::adopt_client(UniqueFd fd, std::string peer) {
  session_count_.fetch_add(1, std::memory_order_relaxed);
  auto start = [this, fd = std::move(fd), peer = std::move(peer)]() mutable {
    auto session = std::make_shared<Session>(*this, std::move(fd), std::move(peer));
    session_count_.fetch_sub(1, std::memory_order_relaxed);  // enlist() has counted it
    tasks_.start(Session::run(std::move(session)));
  };
  post(std::move(start));
}

std::uint64_t Worker::enlist(Session& session) {
  const std::uint64_t id = next_session_++ * services_.workers.size() + index_;
  sessions_.emplace(id, &session);
  session_count_.fetch_add(1, std::memory_order_relaxed);
  counters_.clients.add();
  counters_.accepted.add();
  return id;
}

void Worker::delist(std::uint64_t session) {
  if (sessions_.erase(session) == 0) return;
  session_count_.fetch_sub(1, std::memory_order_relaxed);
  counters_.clients.subtract();
}

Session* Worker::find_session(std::uint64_t session) const {
  const auto it = sessions_.find(session);
  return it == sessions_.end() ? nullptr : it->second;
}

void Worker::use_snapshot(SnapshotRef snapshot) {
  post([this, snapshot = std::move(snapshot)]() mutable { snapshot_ = std::move(snapshot); });
}

void Worker::begin_drain(std::size_t per_tick) {
  post([this, per_tick] {
    drains_per_tick_ = per_tick;
    for (const auto& [id, session] : sessions_) to_drain_.push_back(id);
    drain_some();
  });
}

void Worker::end_drain() {
  post([this] {
    to_drain_.clear();
    for (const auto& [id, session] : sessions_) session->on_drain_deadline();
  });
}

void Worker::drain_some() {
  for (std::size_t n = std::min(drains_per_tick_, to_drain_.size()); n > 0; --n) {
    if (Session* const session = find_session(to_drain_.back())) session->on_drain();
    to_drain_.pop_back();
  }
}

void Worker::wake_session(std::uint64_t session, const Worker& from) {
  if (&from == this) {
    if (const auto it = sessions_.find(session); it != sessions_.end()) it->second->wake();
    return;
  }
  post([this, session] {
    if (const auto it = sessions_.find(session); it != sessions_.end()) it->second->wake();
  });
}

void Worker::cancel_session(std::uint64_t session, std::shared_ptr<void> done) {
  post([this, session, done = std::move(done)]() mutable {
    if (const auto it = sessions_.find(session); it != sessions_.end())
      it->second->on_cancel(std::move(done));
  });
}

void Worker::kill_session(std::uint64_t session, std::function<void(bool)> told) {
  post([this, session, told = std::move(told)] {
    Session* const found = find_session(session);
    if (found != nullptr) found->on_kill({});
    told(found != nullptr);
  });
}

void Worker::kill_sessions(std::string database) {
  post([this, database = std::move(database)] {
    for (const auto& [id, session] : sessions_) session->on_kill(database);
  });
}

void Worker::answer_console(std::uint64_t session, ByteBuffer reply) {
  post([this, session, reply = std::move(reply)]() mutable {
    if (Session* const found = find_session(session)) found->on_console_reply(std::move(reply));
  });
}

std::vector<std::uint64_t> Worker::session_ids() const {
  std::vector<std::uint64_t> ids;
  ids.reserve(sessions_.size());
  for (const auto& [id, session] : sessions_) ids.push_back(id);
  return ids;
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

ClientTally Worker::tally() const {
  ClientTally tally;
  for (const auto& [id, session] : sessions_) session->count_in(tally);
  return tally;
}

void Worker::tick() {
  last_turn_.store(now_.time_since_epoch().count(), std::memory_order_relaxed);
  for (const auto& [id, session] : sessions_) session->on_tick(now_);
  if (++ticks_ % ticks_per_look == 0) {
    for (const auto& [id, session] : sessions_) session->look_at_server();
  }
  drain_some();
  services_.pools.maintain(*this);
}

}  // namespace pgweir
