#include "config/diff.hpp"

#include <algorithm>
#include <array>
#include <map>

#include "config/duration.hpp"
#include "config/problem.hpp"

namespace pgweir::config {

namespace {

constexpr std::array<std::string_view, 6> kNeedRestart{"listen.host", "listen.port", "listen.reuse_port",
                                                       "admin.host",  "admin.port",  "workers"};

// One value of the file: what is compared and, for anything but a secret, printed.
struct Value {
  std::string text;
  const Secret* secret = nullptr;  // owned by the Settings that it was taken from

  bool operator==(const Value& other) const {
    if ((secret == nullptr) != (other.secret == nullptr)) return false;
    return text == other.text && (secret == nullptr || *secret == *other.secret);
  }
  std::string shown() const {
    if (secret == nullptr) return text;
    return secret->empty() ? "none" : "***";
  }
};
using Values = std::map<std::string, Value>;

std::string list(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) out += (out.empty() ? "" : ", ") + printable(name);
  return '[' + out + ']';
}

std::string list(const std::vector<Network>& networks) {
  std::string out;
  for (const Network& network : networks) out += (out.empty() ? "" : ", ") + to_string(network);
  return '[' + out + ']';
}

std::string list(const std::vector<AccessRule>& rules) {
  std::string out;
  for (const AccessRule& rule : rules) {
    out += out.empty() ? "" : ", ";
    out += std::string("{allow: ") + (rule.allow ? "true" : "false");
    if (!rule.networks.empty()) out += ", networks: " + list(rule.networks);
    if (!rule.databases.empty()) out += ", databases: " + list(rule.databases);
    if (!rule.users.empty()) out += ", users: " + list(rule.users);
    out += rule.tls ? ", tls: true}" : "}";
  }
  return '[' + out + ']';
}

void add(Values& out, const std::string& path, std::string text) {
  out[path] = {std::move(text), nullptr};
}

void add_pool(Values& out, const std::string& path, const Pool& pool) {
  add(out, path + ".mode", std::string(to_string(pool.mode)));
  add(out, path + ".state", std::string(to_string(pool.state)));
  add(out, path + ".sequence_values", std::string(to_string(pool.sequence_values)));
  add(out, path + ".trust_triggers", pool.trust_triggers ? "true" : "false");
  add(out, path + ".pin_notice", pool.pin_notice ? "true" : "false");
  add(out, path + ".audit_every", std::to_string(pool.audit_every));
  add(out, path + ".audit_close", pool.audit_close ? "true" : "false");
  add(out, path + ".min_size", std::to_string(pool.min_size));
  add(out, path + ".max_size", std::to_string(pool.max_size));
  add(out, path + ".max_logins", std::to_string(pool.max_logins));
  add(out, path + ".max_prepared_statements", std::to_string(pool.max_prepared_statements));
  add(out, path + ".borrow_timeout", to_string(pool.borrow_timeout));
  add(out, path + ".idle_timeout", to_string(pool.idle_timeout));
  add(out, path + ".max_lifetime", to_string(pool.max_lifetime));
  add(out, path + ".connect_timeout", to_string(pool.connect_timeout));
  add(out, path + ".role_check_interval", to_string(pool.role_check_interval));
}

Values values_of(const Database& database, const std::string& path) {
  Values out;
  add(out, path + ".host", printable(database.host, 256));
  add(out, path + ".port", std::to_string(database.port));
  add(out, path + ".dbname", printable(database.dbname));
  add(out, path + ".tls.mode", std::string(to_string(database.tls.mode)));
  add(out, path + ".tls.ca_file", printable(database.tls.ca_file, 256));
  add(out, path + ".tls.cert_file", printable(database.tls.cert_file, 256));
  add(out, path + ".tls.key_file", printable(database.tls.key_file, 256));
  add(out, path + ".tls.negotiation", database.tls.direct ? "direct" : "postgres");
  add(out, path + ".tls.allow_cleartext_password", database.tls.allow_cleartext_password ? "true" : "false");
  add(out, path + ".iam", database.iam ? "true" : "false");
  add(out, path + ".users", database.users.empty() ? "all" : list(database.users));
  add(out, path + ".pass_through.users", list(database.pass_through.users));
  add(out, path + ".pass_through.recheck", to_string(database.pass_through.recheck));
  add(out, path + ".pass_through.forget_after", to_string(database.pass_through.forget_after));
  add(out, path + ".pass_through.max_unproven", std::to_string(database.pass_through.max_unproven));
  add_pool(out, path + ".pool", database.pool);
  return out;
}

Values values_of(const User& user, const std::string& path) {
  Values out;
  out[path + ".password"] = {{}, &user.password};
  out[path + ".scram_verifier"] = {{}, &user.scram_verifier};
  add(out, path + ".secret", printable(user.secret, 256));
  add(out, path + ".ssm_parameter", printable(user.ssm_parameter, 256));
  add(out, path + ".iam.roles", list(user.iam_roles));
  add(out, path + ".certificate", printable(user.certificate));
  return out;
}

void add_aws(Values& out, const Aws& aws) {
  add(out, "aws.region", printable(aws.region));
  add(out, "aws.endpoints.sts", printable(aws.endpoints.sts, 256));
  add(out, "aws.endpoints.secretsmanager", printable(aws.endpoints.secretsmanager, 256));
  add(out, "aws.endpoints.ssm", printable(aws.endpoints.ssm, 256));
  add(out, "aws.endpoints.container", printable(aws.endpoints.container, 256));
  add(out, "aws.endpoints.imds", printable(aws.endpoints.imds, 256));
  add(out, "aws.ca_file", printable(aws.ca_file, 256));
  add(out, "aws.timeout", to_string(aws.timeout));
  add(out, "aws.secrets.refresh", to_string(aws.secret_refresh));
  add(out, "aws.secrets.grace", to_string(aws.secret_grace));
  add(out, "aws.iam.server_id", printable(aws.server_id, 256));
  add(out, "aws.iam.max_token_age", to_string(aws.max_token_age));
}

Values values_of_rest(const Settings& settings) {
  Values out;
  add_aws(out, settings.aws);
  add(out, "listen.host", printable(settings.listen.host, 256));
  add(out, "listen.port", std::to_string(settings.listen.port));
  add(out, "listen.max_clients", std::to_string(settings.listen.max_clients));
  add(out, "listen.auth", std::string(to_string(settings.listen.auth)));
  add(out, "listen.proxy_protocol", settings.listen.proxy_sources.empty() ? "off" : "v2");
  add(out, "listen.proxy_sources", list(settings.listen.proxy_sources));
  add(out, "listen.reuse_port", settings.listen.reuse_port ? "true" : "false");
  add(out, "listen.drain_rate", std::to_string(settings.listen.drain_rate));
  add(out, "access", settings.access ? list(*settings.access) : "absent");
  const ListenTls& tls = settings.listen.tls;
  add(out, "listen.tls.mode", std::string(to_string(tls.mode)));
  add(out, "listen.tls.cert_file", printable(tls.cert_file, 256));
  add(out, "listen.tls.key_file", printable(tls.key_file, 256));
  add(out, "listen.tls.client_ca_file", printable(tls.client_ca_file, 256));
  add(out, "listen.tls.handshake_timeout", to_string(tls.handshake_timeout));
  add(out, "workers", settings.workers ? std::to_string(*settings.workers) : "auto");
  add(out, "admin.host", printable(settings.admin.host, 256));
  add(out, "admin.port", std::to_string(settings.admin.port));
  add(out, "admin.console_users", list(settings.admin.console_users));
  add(out, "admin.stats_users", list(settings.admin.stats_users));
  add(out, "admin.watch_config", settings.admin.watch_config ? "true" : "false");
  add(out, "admin.ready_requires", list(settings.admin.ready_requires));
  add(out, "timeouts.client_login", to_string(settings.timeouts.client_login));
  add(out, "timeouts.failed_login", to_string(settings.timeouts.failed_login));
  add(out, "timeouts.client_idle", to_string(settings.timeouts.client_idle));
  add(out, "timeouts.idle_transaction", to_string(settings.timeouts.idle_transaction));
  add(out, "timeouts.client_write", to_string(settings.timeouts.client_write));
  add(out, "timeouts.query", to_string(settings.timeouts.query));
  add(out, "timeouts.drain", to_string(settings.timeouts.drain));
  add(out, "timeouts.drain_accept_grace", to_string(settings.timeouts.drain_accept_grace));
  add(out, "metrics.emf", settings.metrics.emf ? "true" : "false");
  add(out, "metrics.emf_namespace", printable(settings.metrics.emf_namespace, 256));
  add(out, "metrics.emf_proxy_name", printable(settings.metrics.emf_proxy_name, 256));
  add(out, "metrics.emf_interval", to_string(settings.metrics.emf_interval));
  add(out, "log.format", std::string(to_string(settings.log.format)));
  add(out, "log.level", std::string(to_string(settings.log.level)));
  return out;
}

Applies applies_of(std::string_view path) {
  const bool restart = std::find(kNeedRestart.begin(), kNeedRestart.end(), path) != kNeedRestart.end();
  return restart ? Applies::restart : Applies::now;
}

using Changes = std::map<std::string, Change>;  // by path, which sorts them

void note(Changes& changes, const std::string& path, std::string from, std::string to) {
  changes[path] = {path, std::move(from), std::move(to), applies_of(path)};
}

// Both hold the same paths: they come from the same function.
void compare(const Values& from, const Values& to, Changes& changes) {
  for (const auto& [path, value] : from) {
    const Value& other = to.at(path);
    if (!(value == other)) note(changes, path, value.shown(), other.shown());
  }
}

template <class Entry>
void compare_entries(std::string_view section, const std::map<std::string, Entry, std::less<>>& from,
                     const std::map<std::string, Entry, std::less<>>& to, Changes& changes) {
  for (const auto& [name, entry] : from) {
    const std::string path = join_path(section, name);
    const auto other = to.find(name);
    if (other == to.end()) {
      note(changes, path, "present", "absent");
    } else {
      compare(values_of(entry, path), values_of(other->second, path), changes);
    }
  }
  for (const auto& [name, entry] : to) {
    if (!from.contains(name)) note(changes, join_path(section, name), "absent", "present");
  }
}

}  // namespace

std::vector<Change> diff(const Settings& from, const Settings& to) {
  Changes changes;
  compare(values_of_rest(from), values_of_rest(to), changes);
  compare_entries("databases", from.databases, to.databases, changes);
  compare_entries("users", from.users, to.users, changes);
  std::vector<Change> out;
  for (auto& [path, change] : changes) out.push_back(std::move(change));
  return out;
}

std::vector<Setting> list_settings(const Settings& settings) {
  Values values = values_of_rest(settings);
  add_pool(values, "pool", settings.pool);
  for (const auto& [name, database] : settings.databases)
    values.merge(values_of(database, join_path("databases", name)));
  for (const auto& [name, user] : settings.users) values.merge(values_of(user, join_path("users", name)));
  std::vector<Setting> list;
  for (const auto& [path, value] : values) list.push_back({path, value.shown(), applies_of(path)});
  return list;
}

std::string_view to_string(Applies applies) {
  return applies == Applies::now ? "now" : "restart";
}

std::string to_string(const Change& change) {
  return change.path + ": " + change.from + " -> " + change.to +
         (change.applies == Applies::restart ? " (needs a restart)" : "");
}

}  // namespace pgweir::config
