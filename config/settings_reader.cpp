#include "config/settings_reader.hpp"

#include <algorithm>
#include <array>

#include "config/access_reader.hpp"
#include "config/aws_reader.hpp"
#include "config/tls_reader.hpp"
#include "config/user_secret.hpp"

namespace pgweir::config {

namespace {

constexpr std::uint32_t kMaxClients = 1'000'000;
constexpr std::uint32_t kMaxWorkers = 1024;
constexpr std::uint32_t kMaxPoolSize = 10'000;  // PostgreSQL's max_connections is far below in practice
constexpr std::uint32_t kMaxStatements = 100'000;
constexpr std::uint32_t kMaxUnproven = 1'000;  // each may have a login to the server under way
constexpr std::uint32_t kMaxAuditEvery = 1'000'000'000;

constexpr std::array<Choice<AuthMethod>, 3> kAuthMethods{
    {{"scram-sha-256", AuthMethod::scram_sha_256}, {"md5", AuthMethod::md5}, {"trust", AuthMethod::trust}}};
constexpr std::array<Choice<PoolMode>, 2> kPoolModes{
    {{"transaction", PoolMode::transaction}, {"session", PoolMode::session}}};
constexpr std::array<Choice<LogFormat>, 2> kLogFormats{
    {{"text", LogFormat::text}, {"json", LogFormat::json}}};
constexpr std::array<Choice<LogLevel>, 5> kLogLevels{{{"trace", LogLevel::trace},
                                                      {"debug", LogLevel::debug},
                                                      {"info", LogLevel::info},
                                                      {"warning", LogLevel::warning},
                                                      {"error", LogLevel::error}}};

constexpr std::array<Choice<StateTracking>, 2> kStates{
    {{"tracked", StateTracking::tracked}, {"strict", StateTracking::strict}}};

constexpr std::array<Choice<SequenceValues>, 2> kSequenceValues{
    {{"learn", SequenceValues::learn}, {"pin", SequenceValues::pin}}};

void read_listen(Walk& walk, Section section, Listen& out) {
  section.text("host", out.host);
  section.port("port", out.port);
  section.number("max_clients", out.max_clients, 1, kMaxClients);
  section.choice<AuthMethod>("auth", out.auth, kAuthMethods);
  read_listen_tls(walk, section.section("tls"), out.tls);
  read_proxy_protocol(section, out.proxy_sources);
  section.flag("reuse_port", out.reuse_port);
  section.number("drain_rate", out.drain_rate, 0, kMaxClients);
  section.finish();
}

void read_workers(Section& root, std::optional<std::uint32_t>& out) {
  const Node* const node = root.find("workers");
  if (node == nullptr || (node->kind == Node::Kind::scalar && node->text == "auto")) return;
  std::string error = "expected auto or a whole number";
  std::uint32_t count = 0;
  if (node->kind == Node::Kind::scalar && parse_number(node->text, 1, kMaxWorkers, count, error)) {
    out = count;
    return;
  }
  root.report("workers", error + (node->kind == Node::Kind::scalar ? ", or auto" : ""));
}

void read_admin(Section section, Admin& out) {
  section.text("host", out.host);
  section.port("port", out.port);
  section.names("console_users", out.console_users);
  section.names("stats_users", out.stats_users);
  section.flag("watch_config", out.watch_config);
  section.names("ready_requires", out.ready_requires);
  section.finish();
}

// Returns whether the section sets min_size, which otherwise must not exceed a small max_size.
bool read_pool(Section section, Pool& out) {
  section.choice<PoolMode>("mode", out.mode, kPoolModes);
  section.choice<StateTracking>("state", out.state, kStates);
  section.choice<SequenceValues>("sequence_values", out.sequence_values, kSequenceValues);
  section.flag("trust_triggers", out.trust_triggers);
  section.flag("pin_notice", out.pin_notice);
  section.number("audit_every", out.audit_every, 0, kMaxAuditEvery);
  section.flag("audit_close", out.audit_close);
  const bool sets_min_size = section.number("min_size", out.min_size, 0, kMaxPoolSize);
  section.number("max_size", out.max_size, 0, kMaxPoolSize);
  section.number("max_logins", out.max_logins, 0, kMaxPoolSize);
  section.number("max_prepared_statements", out.max_prepared_statements, 1, kMaxStatements);
  section.duration("borrow_timeout", out.borrow_timeout);
  section.duration("idle_timeout", out.idle_timeout);
  section.duration("max_lifetime", out.max_lifetime);
  section.duration("connect_timeout", out.connect_timeout);
  section.duration("role_check_interval", out.role_check_interval);
  section.finish();
  return sets_min_size;
}

void read_pass_through(Section section, PassThrough& out) {
  section.names("users", out.users);
  section.duration("recheck", out.recheck);
  section.duration("forget_after", out.forget_after);
  section.number("max_unproven", out.max_unproven, 1, kMaxUnproven);
  section.finish();
}

Database read_database(Walk& walk, Section section, const std::string& name, const Pool& common,
                       bool common_min_size) {
  Database out;
  out.name = name;
  out.pool = common;
  if (name != "*") out.dbname = name;
  if (!section.text("host", out.host) && section.usable() && section.find("host") == nullptr) {
    section.report("host", "is missing: the address of the PostgreSQL server");
  }
  section.port("port", out.port);
  section.text("dbname", out.dbname);
  section.names("users", out.users);
  if (const Node* users = section.find("users");
      users != nullptr && users->kind == Node::Kind::sequence && users->children.empty()) {
    section.report("users", "is empty; leave the key out to admit every user");
  }
  read_pass_through(section.section("pass_through"), out.pass_through);
  read_server_tls(walk, section.section("tls"), out.host, out.tls);
  section.flag("iam", out.iam);
  const bool own_min_size = read_pool(section.section("pool"), out.pool);
  if (!own_min_size && !common_min_size) out.pool.min_size = std::min(out.pool.min_size, out.pool.max_size);
  section.finish();
  return out;
}

void read_databases(Walk& walk, Section& root, const Pool& common, bool common_min_size, Settings& out) {
  const Section section = root.section("databases");
  if (section.usable() && section.entries().empty()) root.report("databases", "needs at least one database");
  for (const Node& entry : section.entries()) {
    Section database(walk, &entry, join_path(section.path(), entry.key));
    out.databases.emplace(entry.key,
                          read_database(walk, std::move(database), entry.key, common, common_min_size));
  }
}

void read_users(Walk& walk, Section& root, Settings& out) {
  Section section = root.section("users");
  if (section.usable() && section.entries().empty()) root.report("users", "needs at least one user");
  const bool secret_required = out.listen.auth != AuthMethod::trust;
  for (const Node& entry : section.entries()) {
    Section user(walk, &entry, join_path(section.path(), entry.key));
    User& made = out.users[entry.key];
    made.name = entry.key;
    read_client_iam(user, made);
    user.text("certificate", made.certificate);
    read_secret(walk, user, secret_required && !made.clients_need_no_password(), made);
    user.finish();
  }
}

void read_timeouts(Section section, Timeouts& out) {
  section.duration("client_login", out.client_login);
  section.duration("failed_login", out.failed_login);
  section.duration("client_idle", out.client_idle);
  section.duration("idle_transaction", out.idle_transaction);
  section.duration("client_write", out.client_write);
  section.duration("query", out.query);
  section.duration("drain", out.drain);
  section.duration("drain_accept_grace", out.drain_accept_grace);
  section.finish();
}

void read_metrics(Section section, Metrics& out) {
  section.flag("emf", out.emf);
  section.text("emf_namespace", out.emf_namespace);
  section.text("emf_proxy_name", out.emf_proxy_name);
  section.duration("emf_interval", out.emf_interval);
  section.finish();
}

void read_log(Section section, Log& out) {
  section.choice<LogFormat>("format", out.format, kLogFormats);
  section.choice<LogLevel>("level", out.level, kLogLevels);
  section.finish();
}

}  // namespace

Settings read_settings(Walk& walk, const Node& root_node) {
  Settings out;
  Section root(walk, &root_node, {});
  if (!root.usable()) return out;
  read_listen(walk, root.section("listen"), out.listen);
  read_workers(root, out.workers);
  read_admin(root.section("admin"), out.admin);
  const bool min_size = read_pool(root.section("pool"), out.pool);
  read_databases(walk, root, out.pool, min_size, out);
  read_users(walk, root, out);
  read_aws(walk, root.section("aws"), out.aws);
  read_access(walk, root, out.access);
  read_timeouts(root.section("timeouts"), out.timeouts);
  read_metrics(root.section("metrics"), out.metrics);
  read_log(root.section("log"), out.log);
  root.finish();
  return out;
}

}  // namespace pgweir::config
