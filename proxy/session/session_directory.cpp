#include "proxy/session/session_directory.hpp"

#include "proxy/session/session.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {

SessionDirectory::SessionDirectory(Worker& worker, const SessionContext& context, std::size_t directories)
    : worker_(worker), context_(context), directories_(directories) {}

void SessionDirectory::adopt_client(UniqueFd fd, std::string peer) {
  count_.fetch_add(1, std::memory_order_relaxed);
  worker_.post([this, fd = std::move(fd), peer = std::move(peer)]() mutable {
    auto session = std::make_shared<Session>(worker_, *this, context_, std::move(fd), std::move(peer));
    count_.fetch_sub(1, std::memory_order_relaxed);  // enlist() has counted it
    worker_.tasks().start(Session::run(std::move(session)));
  });
}

std::uint64_t SessionDirectory::enlist(Session& session) {
  const std::uint64_t id = next_++ * directories_ + worker_.index();
  sessions_.emplace(id, &session);
  count_.fetch_add(1, std::memory_order_relaxed);
  worker_.counters().clients.add();
  worker_.counters().accepted.add();
  return id;
}

void SessionDirectory::delist(std::uint64_t session) {
  if (sessions_.erase(session) == 0) return;
  count_.fetch_sub(1, std::memory_order_relaxed);
  worker_.counters().clients.subtract();
}

Session* SessionDirectory::find(std::uint64_t session) const {
  const auto it = sessions_.find(session);
  return it == sessions_.end() ? nullptr : it->second;
}

void SessionDirectory::begin_drain(std::size_t per_tick) {
  worker_.post([this, per_tick] {
    drains_per_tick_ = per_tick;
    for (const auto& [id, session] : sessions_) to_drain_.push_back(id);
    drain_some();
  });
}

void SessionDirectory::end_drain() {
  worker_.post([this] {
    to_drain_.clear();
    for (const auto& [id, session] : sessions_) session->on_drain_deadline();
  });
}

void SessionDirectory::drain_some() {
  for (std::size_t n = std::min(drains_per_tick_, to_drain_.size()); n > 0; --n) {
    if (Session* const session = find(to_drain_.back())) session->on_drain();
    to_drain_.pop_back();
  }
}

void SessionDirectory::wake(std::uint64_t session, const Worker& from) {
  if (&from == &worker_) {
    if (Session* const found = find(session)) found->wake();
    return;
  }
  worker_.post([this, session] {
    if (Session* const found = find(session)) found->wake();
  });
}

void SessionDirectory::cancel(std::uint64_t session, std::shared_ptr<void> done) {
  worker_.post([this, session, done = std::move(done)]() mutable {
    if (Session* const found = find(session)) found->on_cancel(std::move(done));
  });
}

void SessionDirectory::kill(std::uint64_t session, std::function<void(bool)> told) {
  worker_.post([this, session, told = std::move(told)] {
    Session* const found = find(session);
    if (found != nullptr) found->on_kill({});
    told(found != nullptr);
  });
}

void SessionDirectory::kill_all(std::string database) {
  worker_.post([this, database = std::move(database)] {
    for (const auto& [id, session] : sessions_) session->on_kill(database);
  });
}

void SessionDirectory::answer_console(std::uint64_t session, ByteBuffer reply) {
  worker_.post([this, session, reply = std::move(reply)]() mutable {
    if (Session* const found = find(session)) found->on_console_reply(std::move(reply));
  });
}

std::vector<std::uint64_t> SessionDirectory::ids() const {
  std::vector<std::uint64_t> ids;
  ids.reserve(sessions_.size());
  for (const auto& [id, session] : sessions_) ids.push_back(id);
  return ids;
}

ClientTally SessionDirectory::tally() const {
  ClientTally tally;
  for (const auto& [id, session] : sessions_) session->view().count_in(tally);
  return tally;
}

void SessionDirectory::tick(TimePoint now) {
  for (const auto& [id, session] : sessions_) session->on_tick(now);
  if (++ticks_ % ticks_per_look == 0) {
    for (const auto& [id, session] : sessions_) session->spare_busy_server();
  }
  drain_some();
}

SessionDirectory& SessionDirectories::add(std::unique_ptr<SessionDirectory> directory) {
  list_.push_back(std::move(directory));
  return *list_.back();
}

std::size_t SessionDirectories::count() const {
  std::size_t sum = 0;
  for (const auto& directory : list_) sum += directory->size();
  return sum;
}

void SessionDirectories::cancel(const SessionAddress& session, std::shared_ptr<void> done) {
  list_[session.worker]->cancel(session.session, std::move(done));
}

void SessionDirectories::wake(const SessionAddress& session, const Worker& from) {
  list_[session.worker]->wake(session.session, from);
}

}  // namespace pgweir
