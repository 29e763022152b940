#include "proxy/pool/pool_commons.hpp"

#include <utility>

#include "proxy/state/state_check.hpp"
#include "proxy/worker/worker.hpp"
#include "proxy/worker/workers.hpp"

namespace pgweir {

PoolCommons::PoolCommons(const Workers& workers, std::string database, std::string user)
    : database_(std::move(database)),
      user_(std::move(user)),
      no_settings_(workers.shared.no_settings),
      logins_(no_settings_),
      names_question_(statements_.make_by_sql(names_query(), "SELECT")) {
  for (std::size_t i = 0; i < workers.list.size(); ++i) counters_.push_back(std::make_shared<PoolCounters>());
}

PoolCounters& PoolCommons::counters(const Worker& worker) {
  return *counters_[worker.index()];
}

std::vector<std::shared_ptr<const PoolCounters>> PoolCommons::lifetime_counters() const {
  std::vector<std::shared_ptr<const PoolCounters>> all = earlier_;
  all.insert(all.end(), counters_.begin(), counters_.end());
  return all;
}

std::shared_ptr<SchemaVersion> PoolCommons::schema_version() const {
  const std::lock_guard lock(schema_mutex_);
  return schema_version_;
}

void PoolCommons::use_schema(std::shared_ptr<SchemaVersion> version) {
  const std::lock_guard lock(schema_mutex_);
  schema_version_ = std::move(version);
}

bool PoolCommons::has_clients() const {
  std::uint64_t clients = 0;
  for (const auto& counters : counters_) clients += counters->clients.get();
  return clients > 0;
}

ServerFacts PoolCommons::facts_of(const Backend& backend) const {
  ServerFacts facts;
  facts.user = user_;
  facts.database = database_;
  facts.remote = backend.remote;
  facts.local = backend.local;
  facts.connected = backend.opened;
  facts.request = backend.idle_since;
  facts.pid = backend.pid;
  facts.self = &backend;
  facts.tls = backend.tls;
  facts.being_cancelled = backend.cancels.in_flight();
  facts.prepared_statements = backend.statements.size();
  return facts;
}

}  // namespace pgweir
