// All pools. A configured (database, user) pair has its pool from the start, so that min_size is warm before
// the first client; pairs of the "*" database get theirs with their first authenticated client. Thread rule:
// any thread.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "proxy/pool.hpp"
#include "proxy/snapshot.hpp"

namespace pgweir {

struct Services;

class PoolRegistry {
 public:
  // "*" pools are made by clients: so many at the most, and unused ones go.
  static constexpr std::size_t pools_max = 1'000;

  explicit PoolRegistry(Services& services) : services_(services) {}

  // Makes, reconfigures and retires pools to match.
  void apply(const Snapshot& snapshot);
  // The pool of an authenticated client; null: there are too many pools.
  std::shared_ptr<Pool> get(const Snapshot& snapshot, const config::Database& database,
                            const std::string& database_name, const config::User& user);
  // Null: there is none (yet).
  std::shared_ptr<Pool> find(const std::string& database, const std::string& user) const;
  std::vector<std::shared_ptr<Pool>> all() const;
  void maintain(Worker& here);
  // What a fresh login gets has changed on the server of this pool: its backends are replaced, and those of
  // all other pools there.
  void recycle(const Pool& changed);
  // PAUSE, RESUME, RECONNECT of a database, of all where it is empty; also for pools that come later.
  void pause(const std::string& database);
  void resume(const std::string& database);
  void reconnect(const std::string& database);
  // DISABLE and ENABLE: whether new clients may come to it.
  void disable(const std::string& database, bool disabled);
  bool is_disabled(const std::string& database) const;
  bool is_paused(const std::string& database) const;
  std::vector<std::shared_ptr<Pool>> of(const std::string& database) const;
  // Closes every connection on the spot. No worker runs any more.
  void close();

 private:
  using Key = std::pair<std::string, std::string>;

  bool is_paused_here(const std::string& database) const;  // under the mutex

  Services& services_;
  mutable std::mutex mutex_;
  std::map<Key, std::shared_ptr<Pool>> pools_;
  bool all_paused_ = false;
  std::set<std::string> paused_;
  std::set<std::string> disabled_;
  std::vector<std::shared_ptr<Pool>> retired_;  // until their backends and clients are gone
  // What maintain() walks, rebuilt when a pool comes or goes.
  std::shared_ptr<const std::vector<std::shared_ptr<Pool>>> list_ =
      std::make_shared<std::vector<std::shared_ptr<Pool>>>();
};

// May this user use this database at all?
bool may_use(const config::Database& database, const std::string& user);

}  // namespace pgweir
