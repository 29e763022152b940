// What all sessions of a pool share beside its backends: its names, what was found out about logins,
// statements and code, and the counters. Nothing here is guarded by the pool's mutex: each part guards
// itself, so that a session that needs no backend never waits. Thread rule: any thread.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "proxy/backend/backend.hpp"
#include "proxy/backend/opener.hpp"
#include "proxy/base/counters.hpp"
#include "proxy/base/facts.hpp"
#include "proxy/code/code_catalog.hpp"
#include "proxy/login/known_logins.hpp"
#include "proxy/pool/statement_cache.hpp"

namespace pgweir {

class SchemaVersion;
class Worker;
struct Workers;

class PoolCommons : public std::enable_shared_from_this<PoolCommons> {
 public:
  PoolCommons(const PoolCommons&) = delete;
  PoolCommons& operator=(const PoolCommons&) = delete;

  const std::string& database() const { return database_; }
  const std::string& user() const { return user_; }
  // The settings of a fresh login: none.
  const MapRef& no_settings() const { return no_settings_; }
  // What clients are told at their login.
  KnownLogins& logins() { return logins_; }
  StatementCache& statements() { return statements_; }
  // The prepared question about settings by their names, see names_query().
  const StatementRef& names_question() const { return names_question_; }
  CodeCatalog& code() { return code_; }
  // The schema version of the database, shared by all pools of it.
  std::shared_ptr<SchemaVersion> schema_version() const;
  // The pool has another database from now on.
  void use_schema(std::shared_ptr<SchemaVersion> version);
  // The keys of the pool's logins, and those that a client has proved with, for a user of whom there is a
  // verifier but no password.
  const std::shared_ptr<ScramKeyCache>& scram_keys() const { return scram_keys_; }

  PoolCounters& counters(const Worker& worker);
  const std::vector<std::shared_ptr<PoolCounters>>& all_counters() const { return counters_; }
  // These, and those of the pools that this one has taken the place of: what has happened under the pool's
  // name never becomes less while its predecessor's last clients leave.
  std::vector<std::shared_ptr<const PoolCounters>> lifetime_counters() const;
  // This pool takes the place of a retired one of the same name. Before another thread knows of this one.
  void follow(const PoolCommons& predecessor) { earlier_ = predecessor.lifetime_counters(); }
  bool has_clients() const;
  // Describes a backend that the caller has borrowed, or that is idle.
  ServerFacts facts_of(const Backend& backend) const;

 protected:
  PoolCommons(const Workers& workers, std::string database, std::string user);
  ~PoolCommons() = default;

 private:
  const std::string database_;
  const std::string user_;
  const MapRef no_settings_;
  KnownLogins logins_;
  StatementCache statements_;
  const StatementRef names_question_;
  CodeCatalog code_;
  mutable std::mutex schema_mutex_;
  std::shared_ptr<SchemaVersion> schema_version_;
  const std::shared_ptr<ScramKeyCache> scram_keys_ = std::make_shared<ScramKeyCache>();
  std::vector<std::shared_ptr<PoolCounters>> counters_;       // by worker
  std::vector<std::shared_ptr<const PoolCounters>> earlier_;  // of the predecessors
};

}  // namespace pgweir
