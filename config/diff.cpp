#include "config/diff.hpp"

#include <map>
#include <type_traits>

#include "config/duration.hpp"
#include "config/keys.hpp"
#include "config/problem.hpp"

namespace pgweir::config {

namespace {

constexpr std::size_t shown_max = 256;

// One value of the file: what is compared and, for anything but a secret, printed.
struct Value {
  std::string text;
  const Secret* secret = nullptr;  // owned by the Settings that it was taken from
  Applies applies = Applies::now;

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

// Notes the keys of keys.hpp under a path.
class NoteKeys {
 public:
  NoteKeys(Values& out, std::string path) : out_(out), path_(std::move(path)) {}

  template <class Member, class... Options>
  void operator()(std::string_view name, const Member& member, Options... options) {
    Value& value = out_[join_path(path_, name)];
    value.text = shown(member);
    if ((std::is_same_v<Options, NeedsRestart> || ...)) value.applies = Applies::restart;
    (static_cast<void>(options), ...);
  }

 private:
  static std::string shown(const std::string& text) { return printable(text, shown_max); }
  static std::string shown(const std::vector<std::string>& names) { return list(names); }
  static std::string shown(bool flag) { return flag ? "true" : "false"; }
  static std::string shown(Millis duration) { return to_string(duration); }
  static std::string shown(std::uint32_t number) { return std::to_string(number); }
  static std::string shown(std::uint16_t number) { return std::to_string(number); }
  template <class Enum>
  requires std::is_enum_v<Enum>
  static std::string shown(Enum value) { return std::string(to_string(value)); }

  Values& out_;
  std::string path_;
};

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
  keys_of_pass_through(database.pass_through, NoteKeys(out, path + ".pass_through"));
  keys_of_pool(database.pool, NoteKeys(out, path + ".pool"));
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
  keys_of_aws_secrets(aws, NoteKeys(out, "aws.secrets"));
  keys_of_aws_iam(aws, NoteKeys(out, "aws.iam"));
}

Values values_of_rest(const Settings& settings) {
  Values out;
  add_aws(out, settings.aws);
  keys_of_listen(settings.listen, NoteKeys(out, "listen"));
  add(out, "listen.proxy_protocol", settings.listen.proxy_sources.empty() ? "off" : "v2");
  add(out, "listen.proxy_sources", list(settings.listen.proxy_sources));
  add(out, "access", settings.access ? list(*settings.access) : "absent");
  const ListenTls& tls = settings.listen.tls;
  add(out, "listen.tls.mode", std::string(to_string(tls.mode)));
  add(out, "listen.tls.cert_file", printable(tls.cert_file, 256));
  add(out, "listen.tls.key_file", printable(tls.key_file, 256));
  add(out, "listen.tls.client_ca_file", printable(tls.client_ca_file, 256));
  add(out, "listen.tls.handshake_timeout", to_string(tls.handshake_timeout));
  out["workers"] = {settings.workers ? std::to_string(*settings.workers) : "auto", nullptr, Applies::restart};
  keys_of_admin(settings.admin, NoteKeys(out, "admin"));
  keys_of_timeouts(settings.timeouts, NoteKeys(out, "timeouts"));
  keys_of_metrics(settings.metrics, NoteKeys(out, "metrics"));
  keys_of_log(settings.log, NoteKeys(out, "log"));
  return out;
}

using Changes = std::map<std::string, Change>;  // by path, which sorts them

void note(Changes& changes, const std::string& path, std::string from, std::string to,
          Applies applies = Applies::now) {
  changes[path] = {path, std::move(from), std::move(to), applies};
}

// Both hold the same paths: they come from the same function.
void compare(const Values& from, const Values& to, Changes& changes) {
  for (const auto& [path, value] : from) {
    const Value& other = to.at(path);
    if (!(value == other)) note(changes, path, value.shown(), other.shown(), value.applies);
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

std::vector<Change> diff(const Settings& from, const Settings& to, const Settings& started) {
  std::vector<Change> changes = diff(from, to);
  const Values in_use = values_of_rest(started);
  for (Change& change : changes) {
    if (change.applies == Applies::restart && in_use.at(change.path).shown() == change.to)
      change.applies = Applies::now;
  }
  return changes;
}

std::vector<Setting> list_settings(const Settings& settings) {
  Values values = values_of_rest(settings);
  keys_of_pool(settings.pool, NoteKeys(values, "pool"));
  for (const auto& [name, database] : settings.databases)
    values.merge(values_of(database, join_path("databases", name)));
  for (const auto& [name, user] : settings.users) values.merge(values_of(user, join_path("users", name)));
  std::vector<Setting> list;
  for (const auto& [path, value] : values) list.push_back({path, value.shown(), value.applies});
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
