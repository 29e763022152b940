#include "proxy/pool/pool_registry.hpp"

#include <algorithm>
#include <set>

#include "config/kept_warm.hpp"
#include "config/pass_through.hpp"
#include "proxy/aws/rds_token.hpp"
#include "proxy/worker/worker.hpp"

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

config::Pool settings_of(const config::Settings& all, const config::Database& database,
                         const config::User& user) {
  config::Pool settings = database.pool;
  if (!config::can_be_kept_warm(all, database, user)) settings.min_size = 0;
  return settings;
}

void pass_through(Pool& pool, const Snapshot& snapshot, const config::Database& database,
                  const std::pair<std::string, std::string>& key) {
  const config::User unlisted{key.second, {}};
  pool.pass_through(target_of(snapshot, database, key.first, unlisted),
                    settings_of(*snapshot.settings, database, unlisted), database.pass_through.forget_after);
}

}  // namespace

bool may_use(const config::Database& database, const std::string& user) {
  return database.users.empty() ||
         std::find(database.users.begin(), database.users.end(), user) != database.users.end();
}

void PoolRegistry::apply(const SnapshotRef& snapshot_ref) {
  const Snapshot& snapshot = *snapshot_ref;
  const config::Settings& settings = *snapshot.settings;
  const std::lock_guard lock(mutex_);
  snapshot_ = snapshot_ref;
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
        pool = make(database_name, target_of(snapshot, database, database_name, user),
                    settings_of(settings, database, user));
      }
    }
  }
  for (auto it = pools_.begin(); it != pools_.end();) {
    const auto& [database_name, user_name] = it->first;
    const config::Database* database = settings.find_database(database_name);
    const config::User* user = settings.find_user(user_name);
    const config::Database* const passing = config::pass_through_of(settings, database_name, user_name);
    if (passing != nullptr && it->second->passes_through()) {
      pass_through(*it->second, snapshot, *passing, it->first);
      ++it;
      continue;
    }
    const bool keeps = wanted.contains(it->first) ||
                       (database != nullptr && user != nullptr && may_use(*database, user_name));
    if (keeps && !wanted.contains(it->first)) {
      it->second->reconfigure(target_of(snapshot, *database, database_name, *user),
                              settings_of(settings, *database, *user));
    }
    if (!keeps) retire(it->second);
    it = keeps ? std::next(it) : pools_.erase(it);
  }
  rebuild_list();
}

// Clients of a pool that was retired earlier may still be there: then the new one goes on where it was.
std::shared_ptr<Pool> PoolRegistry::make(const std::string& database, const PoolTarget& target,
                                         const config::Pool& settings) {
  auto pool = std::make_shared<Pool>(*this, context_, database, target, settings);
  if (is_paused_here(database)) pool->pause();
  const auto predecessor = std::find_if(retired_.rbegin(), retired_.rend(), [&](const auto& each) {
    return each->database() == pool->database() && each->user() == pool->user();
  });
  if (predecessor != retired_.rend()) pool->follow(**predecessor);
  return pool;
}

void PoolRegistry::retire(const std::shared_ptr<Pool>& pool) {
  pool->retire();
  retired_.push_back(pool);
}

void PoolRegistry::rebuild_list() {
  std::erase_if(retired_,
                [](const auto& pool) { return pool->counts().total() == 0 && !pool->has_clients(); });
  auto list = std::make_shared<std::vector<std::shared_ptr<Pool>>>(retired_);
  for (const auto& [key, pool] : pools_) list->push_back(pool);
  list_ = std::move(list);
}

std::shared_ptr<Pool> PoolRegistry::candidate(const Snapshot& snapshot, const config::Database& database,
                                              const std::string& database_name, const std::string& user) {
  const std::lock_guard lock(mutex_);
  const Key key{database_name, user};
  if (const auto it = pools_.find(key); it != pools_.end()) return it->second;
  if (const auto it = candidates_.find(key); it != candidates_.end()) {
    if (std::shared_ptr<Pool> pool = it->second.lock()) return pool;
  }
  std::erase_if(candidates_, [](const auto& each) { return each.second.expired(); });
  const config::User unlisted{user, {}};
  std::shared_ptr<Pool> pool = make(database_name, target_of(snapshot, database, database_name, unlisted),
                                    settings_of(*snapshot.settings, database, unlisted));
  pass_through(*pool, snapshot, database, key);
  candidates_.insert_or_assign(key, pool);
  return pool;
}

bool PoolRegistry::publish(const std::shared_ptr<Pool>& pool,
                           const std::shared_ptr<const PoolTarget>& target) {
  const std::lock_guard lock(mutex_);
  const Key key{pool->database(), pool->user()};
  const config::Database* const database =
      config::pass_through_of(*snapshot_->settings, key.first, key.second);
  if (database == nullptr) return false;
  const PoolTarget meant =
      target_of(*snapshot_, *database, key.first, config::User{key.second, target->password});
  const auto it = pools_.find(key);
  if (!(meant == *target) || (it != pools_.end() && it->second != pool)) return false;
  if (it != pools_.end()) return true;
  if (pools_.size() >= pools_max) return false;
  pass_through(*pool, *snapshot_, *database, key);
  pools_.emplace(key, pool);
  candidates_.erase(key);
  rebuild_list();
  return true;
}

// Pools of users who are not in the file are removed after a while without use, with their passwords.
void PoolRegistry::sweep(TimePoint now) {
  const std::lock_guard lock(mutex_);
  if (now < next_sweep_) return;
  next_sweep_ = now + sweep_interval;
  bool changed = false;
  std::erase_if(pools_, [&](const auto& each) {
    if (!each.second->is_unused(now)) return false;
    changed = true;
    retire(each.second);
    return true;
  });
  if (changed || !retired_.empty()) rebuild_list();
}

std::shared_ptr<Pool> PoolRegistry::get(const Snapshot& snapshot, const config::Database& database,
                                        const std::string& database_name, const config::User& user) {
  const std::lock_guard lock(mutex_);
  const Key key{database_name, user.name};
  if (const auto it = pools_.find(key); it != pools_.end()) return it->second;
  if (pools_.size() >= pools_max) return nullptr;
  std::shared_ptr<Pool> pool = make(database_name, target_of(snapshot, database, database_name, user),
                                    settings_of(*snapshot.settings, database, user));
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
  sweep(here.now());
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

// Without a name it ends every pause.
PoolRegistry::Resumed PoolRegistry::resume(const std::string& database) {
  {
    const std::lock_guard lock(mutex_);
    if (database.empty()) {
      if (!all_paused_ && paused_.empty()) return Resumed::not_paused;
      all_paused_ = false;
      paused_.clear();
    } else {
      if (all_paused_) return Resumed::all_are_paused;
      if (paused_.erase(database) == 0) return Resumed::not_paused;
    }
  }
  for (const auto& pool : of(database)) pool->resume();
  return Resumed::done;
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
