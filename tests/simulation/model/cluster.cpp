#include "tests/simulation/model/cluster.hpp"

#include <algorithm>

#include "protocol/sql_tokenizer.hpp"
#include "tests/simulation/model/session.hpp"

namespace pgweir::simulation {

ModelCluster::ModelCluster(std::string version) : version_(std::move(version)) {}

int ModelCluster::version_number() const {
  const std::size_t dot = version_.find('.');
  const int minor = dot == std::string::npos ? 0 : std::stoi(version_.substr(dot + 1));
  return std::stoi(version_) * 10000 + minor;
}

void ModelCluster::add_database(const std::string& name, const ModelDatabase& options) {
  databases_.try_emplace(name, log_);
  options_[name] = options;
}

void ModelCluster::add_schema(const std::string& database, const std::string& schema) {
  catalog(database).add_schema(schema, 0);
}

void ModelCluster::alter_default(const std::string& role, const std::string& database,
                                 const std::string& setting, const std::optional<std::string>& value) {
  auto& settings = defaults_[{role, database}];
  if (value) {
    settings[ascii_lower(setting)] = *value;
  } else {
    settings.erase(ascii_lower(setting));
  }
}

void ModelCluster::forget_defaults(const std::string& role, const std::string& database) {
  defaults_.erase({role, database});
}

// The more particular ones win.
std::map<std::string, std::string> ModelCluster::defaults(const std::string& role,
                                                          const std::string& database) const {
  std::map<std::string, std::string> all;
  const std::pair<std::string, std::string> keys[] = {{"", ""}, {"", database}, {role, ""}, {role, database}};
  for (const auto& key : keys) {
    const auto found = defaults_.find(key);
    if (found == defaults_.end()) continue;
    for (const auto& [name, value] : found->second) all[name] = value;
  }
  return all;
}

void ModelCluster::restart() {
  const std::map<Pid, ModelSession*> all = sessions_;
  for (const auto& [pid, session] : all)
    session->terminate({.code = "57P01", .message = "terminating connection due to administrator command"});
}

void ModelCluster::terminate(Pid pid) {
  if (ModelSession* const found = session(pid))
    found->terminate({.code = "57P01", .message = "terminating connection due to administrator command"});
}

void ModelCluster::cancel(Pid pid, ByteView secret, bool with_next_statement) {
  ModelSession* const found = session(pid);
  if (found != nullptr && found->has_secret(secret)) found->cancel(with_next_statement);
}

void ModelCluster::reload_read_only(bool read_only) {
  default_read_only_ = read_only;
  for (const auto& [pid, session] : sessions_)
    session->change_boot("default_transaction_read_only", read_only ? "on" : "off");
}

const ModelRole* ModelCluster::find_role(const std::string& name) const {
  const auto found = roles_.find(name);
  return found == roles_.end() ? nullptr : &found->second;
}

LoginMethod ModelCluster::method_for(const std::string& user) const {
  const auto found = methods_.find(user);
  return found == methods_.end() ? LoginMethod::trust : found->second;
}

std::size_t ModelCluster::sessions_of_user(const std::string& user) const {
  return static_cast<std::size_t>(std::count_if(sessions_.begin(), sessions_.end(), [&](const auto& each) {
    return each.second->login_user() == user;
  }));
}

std::size_t ModelCluster::sessions_of_database(const std::string& database) const {
  return static_cast<std::size_t>(std::count_if(sessions_.begin(), sessions_.end(), [&](const auto& each) {
    return each.second->database() == database;
  }));
}

bool ModelCluster::is_superuser(const std::string& name) const {
  const ModelRole* const role = find_role(name);
  return role != nullptr && role->superuser;
}

bool ModelCluster::may_become(const std::string& session_user, const std::string& role) const {
  const ModelRole* const from = find_role(session_user);
  return from != nullptr && (from->superuser || session_user == role || from->member_of.contains(role));
}

Catalog* ModelCluster::find_catalog(const std::string& database) {
  const auto found = databases_.find(database);
  return found == databases_.end() ? nullptr : &found->second;
}

void ModelCluster::transaction_ended() {
  if (--running_ > 0) return;
  for (auto& [name, database] : databases_) database.vacuum();
}

void ModelCluster::notify(const std::string& database, Pid from, const std::string& channel,
                          const std::string& payload) {
  notified(channel, payload);
  for (const auto& [pid, session] : sessions_) {
    if (session->database() == database) session->notify({from, channel, payload});
  }
}

void ModelCluster::wake_waiting() {
  for (const auto& [pid, session] : sessions_) {
    if (session->is_waiting()) session->wake();
  }
}

void ModelCluster::enter(ModelSession& session) {
  sessions_[session.pid()] = &session;
}

void ModelCluster::leave(ModelSession& session) {
  sessions_.erase(session.pid());
}

void ModelCluster::drop_temporary(SessionState& state) {
  Catalog& own = catalog(state.database);
  for (const Relation* const relation : own.in_schema(state.temporary_schema(), 0)) {
    const TransactionId id = log_.begin(0);
    own.remove(relation->oid, id);
    log_.commit(id);
  }
}

ModelSession* ModelCluster::session(Pid pid) {
  const auto found = sessions_.find(pid);
  return found == sessions_.end() ? nullptr : found->second;
}

}  // namespace pgweir::simulation
