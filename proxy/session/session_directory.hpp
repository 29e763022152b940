// The sessions of one worker, by their ids, and those of all workers: what concerns a session from outside
// finds it here. Thread rule: the worker's thread, except where "any thread" is said.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "protocol/bytes.hpp"
#include "proxy/base/clock.hpp"
#include "proxy/base/facts.hpp"
#include "proxy/entry/all_sessions.hpp"
#include "proxy/net/unique_fd.hpp"
#include "proxy/session/session_list.hpp"
#include "proxy/worker/session_waker.hpp"

namespace pgweir {

class Session;
struct SessionContext;
class Worker;

class SessionDirectory final : public SessionList {
 public:
  // Every this many ticks, servers that work are given more time, see Transport::wait_for_busy_peer().
  static constexpr unsigned ticks_per_look = 10;

  // `directories`: the number of all directories.
  SessionDirectory(Worker& worker, const SessionContext& context, std::size_t directories);

  Worker& worker() const { return worker_; }
  // Any thread.
  std::size_t size() const { return count_.load(std::memory_order_relaxed); }
  void adopt_client(UniqueFd fd, std::string peer);
  // Ends this many clients each tick, as soon as their transactions allow.
  void begin_drain(std::size_t per_tick);
  // Ends all sessions that are left, whatever they are doing.
  void end_drain();
  // `told` gets, on the worker, whether there is such a session.
  void kill(std::uint64_t session, std::function<void(bool)> told);
  // Ends the clients of this database; empty: of all.
  void kill_all(std::string database);
  void answer_console(std::uint64_t session, ByteBuffer reply);
  void wake(std::uint64_t session, const Worker& from);
  void cancel(std::uint64_t session, std::shared_ptr<void> done);

  std::uint64_t enlist(Session& session) override;
  void delist(std::uint64_t session) override;
  // Called each tick of the worker.
  void tick(TimePoint now);

  std::vector<std::uint64_t> ids() const;
  ClientTally tally() const;
  // Null: the session has ended.
  Session* find(std::uint64_t session) const;

 private:
  void drain_some();

  Worker& worker_;
  const SessionContext& context_;
  const std::size_t directories_;
  std::unordered_map<std::uint64_t, Session*> sessions_;
  std::atomic<std::size_t> count_{0};
  std::uint64_t next_ = 1;
  unsigned ticks_ = 0;
  std::vector<std::uint64_t> to_drain_;
  std::size_t drains_per_tick_ = 0;
};

// The directories of all workers. Thread rule: any thread; the list does not change while a worker runs.
class SessionDirectories final : public SessionWaker, public AllSessions {
 public:
  SessionDirectory& add(std::unique_ptr<SessionDirectory> directory);
  SessionDirectory& of(unsigned worker) const { return *list_[worker]; }
  const std::vector<std::unique_ptr<SessionDirectory>>& all() const { return list_; }
  std::size_t count() const override;
  void cancel(const SessionAddress& session, std::shared_ptr<void> done) override;
  void wake(const SessionAddress& session, const Worker& from) override;

 private:
  std::vector<std::unique_ptr<SessionDirectory>> list_;
};

}  // namespace pgweir
