#include "proxy/worker.hpp"

#include <pthread.h>

#include <boost/asio/post.hpp>

#include "proxy/log.hpp"
#include "proxy/services.hpp"
#include "proxy/session.hpp"
#include "proxy/spawn.hpp"

namespace pgweir {

namespace asio = boost::asio;

Worker::Worker(unsigned index, Services& services, SnapshotRef snapshot)
    : index_(index),
      services_(services),
      snapshot_(std::move(snapshot)),
      work_(asio::make_work_guard(io_)),
      reactor_(io_, [this] { refresh_now(); }),
      janitor_(io_),
      scratch_(scratch_size) {}

Worker::~Worker() {
  stop();
  join();
}

void Worker::start() {
  arm_janitor();
  thread_ = std::thread([this] {
    ::pthread_setname_np(::pthread_self(), ("worker-" + std::to_string(index_)).c_str());
    io_.run();
  });
}

// Coroutines end where they sleep. What Asio posts to unwind them comes before the second function.
void Worker::stop() {
  asio::post(io_, [this] {
    if (std::exchange(stopping_, true)) return;
    work_.reset();
    janitor_.cancel();
    reactor_.stop();
    asio::post(io_, [this] { io_.stop(); });
  });
}

void Worker::join() {
  if (thread_.joinable()) thread_.join();
}

void Worker::adopt_client(UniqueFd fd, std::string peer) {
  session_count_.fetch_add(1, std::memory_order_relaxed);
  auto start = [this, fd = std::move(fd), peer = std::move(peer)]() mutable {
    refresh_now();
    auto session = std::make_shared<Session>(*this, std::move(fd), std::move(peer));
    session_count_.fetch_sub(1, std::memory_order_relaxed);  // enlist() has counted it
    spawn(io_, Session::run(std::move(session)));
  };
  asio::dispatch(io_, std::move(start));
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
  asio::post(io_, [this, snapshot = std::move(snapshot)]() mutable { snapshot_ = std::move(snapshot); });
}

void Worker::begin_drain() {
  asio::post(io_, [this] {
    std::vector<Session*> sessions;
    for (const auto& [id, session] : sessions_) sessions.push_back(session);
    for (Session* session : sessions) session->on_drain();
  });
}

void Worker::wake_session(std::uint64_t session, const Worker& from) {
  if (&from == this) {
    if (const auto it = sessions_.find(session); it != sessions_.end()) it->second->wake();
    return;
  }
  asio::post(io_, [this, session] {
    if (const auto it = sessions_.find(session); it != sessions_.end()) it->second->wake();
  });
}

void Worker::cancel_session(std::uint64_t session, std::shared_ptr<void> done) {
  asio::post(io_, [this, session, done = std::move(done)]() mutable {
    if (const auto it = sessions_.find(session); it != sessions_.end())
      it->second->on_cancel(std::move(done));
  });
}

void Worker::arm_janitor() {
  janitor_.expires_after(janitor_interval);
  janitor_.async_wait([this](boost::system::error_code ec) {
    if (ec || stopping_) return;
    refresh_now();
    tick();
    arm_janitor();
  });
}

void Worker::tick() {
  for (const auto& [id, session] : sessions_) session->on_tick(now_);
  services_.pools.maintain(*this);
}

}  // namespace pgweir
