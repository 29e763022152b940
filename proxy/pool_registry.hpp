// All pools. A configured (database, user) pair has its pool from the start, so that min_size is warm before
// the first client; pairs of the "*" database get theirs with their first authenticated client. Thread rule:
// any thread.
#pragma once

#include <map>
#include <memory>
#include <mutex>
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
  std::vector<std::shared_ptr<Pool>> all() const;
  void maintain(Worker& here);
  // What a fresh login gets has changed on the server of this pool: its backends are replaced, and those of
  // all other pools there.
  void recycle(const Pool& changed);
  // Closes every connection on the spot. No worker runs any more.
  void close();

 private:
  using Key = std::pair<std::string, std::string>;

  Services& services_;
  mutable std::mutex mutex_;
  std::map<Key, std::shared_ptr<Pool>> pools_;
  std::vector<std::shared_ptr<Pool>> retired_;  // until their backends and clients are gone
  // What maintain() walks, rebuilt when a pool comes or goes.
  std::shared_ptr<const std::vector<std::shared_ptr<Pool>>> list_ =
      std::make_shared<std::vector<std::shared_ptr<Pool>>>();
};

// May this user use this database at all?
bool may_use(const config::Database& database, const std::string& user);

}  // namespace pgweir
