// One database server of the model: what its sessions share. Single thread, no clock of its own: sessions are
// told the time. The sessions must be gone before it.
//
// When one session's act lets another go on (a lock, a notification, a cancel), that one's wakes_at() is now,
// and its advance() does the rest.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "protocol/bytes.hpp"
#include "tests/simulation/model/catalog.hpp"
#include "tests/simulation/model/lock_table.hpp"
#include "tests/simulation/model/sql_error.hpp"
#include "tests/simulation/model/transaction_log.hpp"

namespace pgweir::simulation {

class ModelSession;
struct SetCommand;
struct SessionState;

struct ModelRole {
  bool superuser = false;
  bool can_login = true;
  std::set<std::string> member_of = {};
  std::string password = {};
  std::optional<std::size_t> connections_max = {};
};

struct ModelDatabase {
  bool allows_connections = true;
  std::optional<std::size_t> connections_max = {};
};

// What a user is asked for, whether or not there is such a role: pg_hba.conf.
enum class LoginMethod : std::uint8_t { trust, cleartext, md5, reject };

// Why a server lets nobody in for a while.
enum class LoginRefusal : std::uint8_t { too_many_clients, starting_up, shutting_down, no_hot_standby };

class ModelCluster {
 public:
  // `version`: as server_version tells it, from 15 to 18; it answers as that one does.
  explicit ModelCluster(std::string version = "15.18");
  ModelCluster(const ModelCluster&) = delete;
  ModelCluster& operator=(const ModelCluster&) = delete;

  // --- How it is set up
  void add_role(const std::string& name, ModelRole role = {}) { roles_[name] = std::move(role); }
  void add_database(const std::string& name, const ModelDatabase& options = {});
  void set_method(const std::string& user, LoginMethod method) { methods_[user] = method; }
  void add_schema(const std::string& database, const std::string& schema);
  // ALTER ROLE, ALTER DATABASE ... SET; an empty name stands for all. nullopt: RESET.
  void alter_default(const std::string& role, const std::string& database, const std::string& setting,
                     const std::optional<std::string>& value);

  // --- What may happen to it
  bool in_recovery = false;                   // a standby, or a writer that came back read-only
  std::optional<LoginRefusal> login_refusal;  // of everyone who logs in
  void restart();                             // every session ends, and what nobody has committed
  void terminate(Pid pid);                    // 57P01
  // A cancel request: ends what runs (that is: waits). `with_next_statement`: the signal comes a moment too
  // late, or too early, and hits the next statement where nothing runs.
  void cancel(Pid pid, ByteView secret, bool with_next_statement = false);
  void reload_read_only(bool read_only);  // ALTER SYSTEM SET default_transaction_read_only

  // --- What is told of it
  // Each notification, in the order in which their transactions commit.
  std::function<void(const std::string& channel, const std::string& payload)> notified =
      [](const std::string&, const std::string&) {};

  // --- For sessions
  const std::string& version() const { return version_; }
  int version_number() const;  // 150018
  int major() const { return version_number() / 10000; }
  bool default_read_only() const { return default_read_only_; }
  const ModelRole* find_role(const std::string& name) const;
  LoginMethod method_for(const std::string& user) const;
  const ModelDatabase& options_of(const std::string& database) const { return options_.at(database); }
  // Sessions that have begun, or are about to.
  std::size_t sessions_of_user(const std::string& user) const;
  std::size_t sessions_of_database(const std::string& database) const;
  bool is_superuser(const std::string& name) const;
  bool may_become(const std::string& session_user, const std::string& role) const;
  Catalog* find_catalog(const std::string& database);
  Catalog& catalog(const std::string& database) { return databases_.at(database); }
  TransactionLog& log() { return log_; }
  LockTable& locks() { return locks_; }
  std::map<std::string, std::string> defaults(const std::string& role, const std::string& database) const;
  void forget_defaults(const std::string& role, const std::string& database);
  void transaction_began() { ++running_; }
  void transaction_ended();
  void notify(const std::string& database, Pid from, const std::string& channel, const std::string& payload);
  void wake_waiting();  // a lock was let go
  void enter(ModelSession& session);
  void leave(ModelSession& session);
  // Temporary tables of a session that has gone.
  void drop_temporary(SessionState& state);

  ModelSession* session(Pid pid);
  const std::map<Pid, ModelSession*>& sessions() const { return sessions_; }

 private:
  std::string version_;
  bool default_read_only_ = false;
  std::map<std::string, ModelRole> roles_;
  std::map<std::string, LoginMethod> methods_;
  TransactionLog log_;
  LockTable locks_;
  std::map<std::string, Catalog> databases_;
  std::map<std::string, ModelDatabase> options_;
  std::map<std::pair<std::string, std::string>, std::map<std::string, std::string>> defaults_;
  std::map<Pid, ModelSession*> sessions_;
  std::size_t running_ = 0;
};

}  // namespace pgweir::simulation
