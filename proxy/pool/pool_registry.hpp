// All pools. A configured (database, user) pair has its pool from the start, so that min_size is warm before
// the first client; pairs of the "*" database get theirs with their first authenticated client, and users who
// are not in the file with the first password that the server has taken. Thread rule: any thread.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "proxy/login/snapshot.hpp"
#include "proxy/pool/pool.hpp"
#include "proxy/pool/pool_context.hpp"
#include "proxy/pool/pool_host.hpp"

namespace pgweir {

class PoolRegistry final : public PoolHost {
 public:
  // Clients make pools of "*", but at most this many. Unused ones of users who are not in the file are
  // removed.
  static constexpr std::size_t pools_max = 1'000;
  // How often unused pools are looked for.
  static constexpr std::chrono::milliseconds sweep_interval{1'000};

  explicit PoolRegistry(PoolContext context) : context_(context) {}

  // Makes, reconfigures and retires pools, so that they match the configuration.
  void apply(const SnapshotRef& snapshot_ref);
  // The pool of an authenticated client; null: there are too many pools.
  std::shared_ptr<Pool> get(const Snapshot& snapshot, const config::Database& database,
                            const std::string& database_name, const config::User& user);
  // Null: there is none (yet).
  std::shared_ptr<Pool> find(const std::string& database, const std::string& user) const;
  // A pool to prove the password of a user who is not in the file: the one that exists, or a new one that is
  // not visible before publish().
  std::shared_ptr<Pool> candidate(const Snapshot& snapshot, const config::Database& database,
                                  const std::string& database_name, const std::string& user);
  bool publish(const std::shared_ptr<Pool>& pool, const std::shared_ptr<const PoolTarget>& target) override;
  // A retired pool comes before the one that has taken its place.
  std::vector<std::shared_ptr<Pool>> all() const;
  void maintain(Worker& here);
  void recycle(const Pool& changed) override;
  // PAUSE, RESUME and RECONNECT of one database, or of all if it is empty; also for pools that are made
  // later.
  void pause(const std::string& database);
  // `not_paused` and `all_are_paused` change nothing: PAUSE of all is ended by RESUME of all only.
  enum class Resumed : std::uint8_t { done, not_paused, all_are_paused };
  Resumed resume(const std::string& database);
  void reconnect(const std::string& database);
  // DISABLE and ENABLE: whether new clients may log in to the database.
  void disable(const std::string& database, bool disabled);
  bool is_disabled(const std::string& database) const;
  bool is_paused(const std::string& database) const;
  std::vector<std::shared_ptr<Pool>> of(const std::string& database) const;
  // Closes every connection on the spot. The workers have stopped.
  void close();

 private:
  using Key = std::pair<std::string, std::string>;

  void sweep(TimePoint now);
  // These need the mutex.
  std::shared_ptr<Pool> make(const std::string& database, const PoolTarget& target,
                             const config::Pool& settings);
  void retire(const std::shared_ptr<Pool>& pool);
  void rebuild_list();
  bool is_paused_here(const std::string& database) const;

  const PoolContext context_;
  mutable std::mutex mutex_;
  std::map<Key, std::shared_ptr<Pool>> pools_;
  std::map<Key, std::weak_ptr<Pool>> candidates_;  // while passwords are proved in them
  SnapshotRef snapshot_;                           // that of the last apply()
  TimePoint next_sweep_{};
  bool all_paused_ = false;
  std::set<std::string> paused_;
  std::set<std::string> disabled_;
  std::vector<std::shared_ptr<Pool>> retired_;  // until their backends and clients are gone
  // The pools that maintain() walks, rebuilt when a pool comes or goes.
  std::shared_ptr<const std::vector<std::shared_ptr<Pool>>> list_ =
      std::make_shared<std::vector<std::shared_ptr<Pool>>>();
};

// Whether this user may use this database at all.
bool may_use(const config::Database& database, const std::string& user);

}  // namespace pgweir
