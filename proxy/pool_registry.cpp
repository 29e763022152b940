#include "proxy/pool_registry.hpp"

#include <algorithm>
#include <set>

#include "proxy/aws/rds_token.hpp"

namespace pgweir {
namespace {

void use_secret(const Snapshot& snapshot, PoolTarget& target) {
  if (!snapshot.secrets) return;
  const auto found = snapshot.secrets->find(target.secret_of);
  if (found == snapshot.secrets->end()) return;
  const SecretLogin& login = found->second.login;
  target.user = login.user;
  target.password = login.password;
  target.secret_version = login.version;
}

PoolTarget target_of(const Snapshot& snapshot, const config::Database& database, const std::string& name,
                     const config::User& user) {
  PoolTarget target{{database.host, database.port},
                    database.dbname.empty() ? name : database.dbname,
                    user.name,
                    user.password,
                    snapshot.server_tls(database),
                    database.tls.allow_cleartext_password};
  if (database.iam) {
    target.password = {};
    target.iam_region = aws::region_of_host(database.host, snapshot.settings->aws.region);
  } else if (user.has_remote_secret()) {
    target.secret_of = user.name;
    use_secret(snapshot, target);
  }
  return target;
}

// Without a password it takes a client's login to open the first backend. Users of the console need not exist
// on the server.
config::Pool settings_of(const config::Settings& all, const config::Database& database,
                         const config::User& user) {
  config::Pool settings = database.pool;
  const bool is_for_console = database.users.empty() && all.is_console_user(user.name);
  if (!user.scram_verifier.empty() || is_for_console) settings.min_size = 0;
  return settings;
}

}  // namespace

bool may_use(const config::Database& database, const std::string& user) {
  return database.users.empty() ||
         std::find(database.users.begin(), database.users.end(), user) != database.users.end();
}

void PoolRegistry::apply(const Snapshot& snapshot) {
  const config::Settings& settings = *snapshot.settings;
  const std::lock_guard lock(mutex_);
  std::set<Key> wanted;
  for (const auto& [database_name, database] : settings.databases) {
    if (database_name == "*") continue;
    for (const auto& [user_name, user] : settings.users) {
      if (!may_use(database, user_name)) continue;
      const Key key{database_name, user_name};
      wanted.insert(key);
      auto& pool = pools_[key];
      if (pool) {
        pool->reconfigure(target_of(snapshot, database, database_name, user),
                          settings_of(settings, database, user));
      } else {
        pool = std::make_shared<Pool>(services_, database_name,
                                      target_of(snapshot, database, database_name, user),
                                      settings_of(settings, database, user));
        if (is_paused_here(database_name)) pool->pause();
      }
    }
  }
  for (auto it = pools_.begin(); it != pools_.end();) {
    const auto& [database_name, user_name] = it->first;
    const config::Database* database = settings.find_database(database_name);
    const config::User* user = settings.find_user(user_name);
    const bool keeps = wanted.contains(it->first) ||
                       (database != nullptr && user != nullptr && may_use(*database, user_name));
    if (keeps && !wanted.contains(it->first)) {
      it->second->reconfigure(target_of(snapshot, *database, database_name, *user),
                              settings_of(settings, *database, *user));
    }
    if (!keeps) {
      it->second->retire();
      retired_.push_back(it->second);
    }
    it = keeps ? std::next(it) : pools_.erase(it);
  }
  std::erase_if(retired_,
                [](const auto& pool) { return pool->counts().total() == 0 && !pool->has_clients(); });
  auto list = std::make_shared<std::vector<std::shared_ptr<Pool>>>(retired_);
  for (const auto& [key, pool] : pools_) list->push_back(pool);
  list_ = std::move(list);
}

std::shared_ptr<Pool> PoolRegistry::get(const Snapshot& snapshot, const config::Database& database,
                                        const std::string& database_name, const config::User& user) {
  const std::lock_guard lock(mutex_);
  const Key key{database_name, user.name};
  if (const auto it = pools_.find(key); it != pools_.end()) return it->second;
  if (pools_.size() >= pools_max) return nullptr;
  auto pool =
      std::make_shared<Pool>(services_, database_name, target_of(snapshot, database, database_name, user),
                             settings_of(*snapshot.settings, database, user));
  if (is_paused_here(database_name)) pool->pause();
  pools_.emplace(key, pool);
  auto list = std::make_shared<std::vector<std::shared_ptr<Pool>>>(*list_);
  list->push_back(pool);
  list_ = std::move(list);
  return pool;
}

std::shared_ptr<Pool> PoolRegistry::find(const std::string& database, const std::string& user) const {
  const std::lock_guard lock(mutex_);
  const auto it = pools_.find({database, user});
  return it == pools_.end() ? nullptr : it->second;
}

std::vector<std::shared_ptr<Pool>> PoolRegistry::all() const {
  const std::lock_guard lock(mutex_);
  return *list_;
}

void PoolRegistry::maintain(Worker& here) {
  std::shared_ptr<const std::vector<std::shared_ptr<Pool>>> list;
  {
    const std::lock_guard lock(mutex_);
    list = list_;
  }
  for (const std::shared_ptr<Pool>& pool : *list) pool->maintain(here);
}

void PoolRegistry::recycle(const Pool& changed) {
  const ServerAddress address = changed.address();
  for (const auto& pool : all()) {
    if (pool->address() == address) pool->recycle();
  }
}

std::vector<std::shared_ptr<Pool>> PoolRegistry::of(const std::string& database) const {
  std::vector<std::shared_ptr<Pool>> pools = all();
  if (!database.empty()) {
    std::erase_if(pools, [&](const auto& pool) { return pool->database() != database; });
  }
  return pools;
}

void PoolRegistry::pause(const std::string& database) {
  {
    const std::lock_guard lock(mutex_);
    if (database.empty()) all_paused_ = true;
    if (!database.empty()) paused_.insert(database);
  }
  for (const auto& pool : of(database)) pool->pause();
}

// RESUME without a name ends every pause.
void PoolRegistry::resume(const std::string& database) {
  {
    const std::lock_guard lock(mutex_);
    if (database.empty()) {
      all_paused_ = false;
      paused_.clear();
    }
    paused_.erase(database);
    if (all_paused_) return;
  }
  for (const auto& pool : of(database)) pool->resume();
}

void PoolRegistry::reconnect(const std::string& database) {
  for (const auto& pool : of(database)) pool->recycle();
}

void PoolRegistry::disable(const std::string& database, bool disabled) {
  const std::lock_guard lock(mutex_);
  if (disabled) disabled_.insert(database);
  if (!disabled) disabled_.erase(database);
}

bool PoolRegistry::is_disabled(const std::string& database) const {
  const std::lock_guard lock(mutex_);
  return disabled_.contains(database);
}

bool PoolRegistry::is_paused(const std::string& database) const {
  const std::lock_guard lock(mutex_);
  return is_paused_here(database);
}

bool PoolRegistry::is_paused_here(const std::string& database) const {
  return all_paused_ || paused_.contains(database);
}

void PoolRegistry::close() {
  for (const std::shared_ptr<Pool>& pool : all()) pool->close();
}

}  // namespace pgweir
