#include "config/settings_reader.hpp"

#include <algorithm>

#include "config/access_reader.hpp"
#include "config/aws_reader.hpp"
#include "config/keys.hpp"
#include "config/section_keys.hpp"
#include "config/tls_reader.hpp"
#include "config/user_secret.hpp"

namespace pgweir::config {

namespace {

constexpr std::uint32_t workers_max = 1024;

void read_listen(Walk& walk, Section section, Listen& out) {
  keys_of_listen(out, SectionKeys(section));
  read_listen_tls(walk, section.section("tls"), out.tls);
  read_proxy_protocol(section, out.proxy_sources);
  section.finish();
}

void read_workers(Section& root, std::optional<std::uint32_t>& out) {
  const Node* const node = root.find("workers");
  if (node == nullptr || (node->kind == Node::Kind::scalar && node->text == "auto")) return;
  std::string error = "expected auto or a whole number";
  std::uint32_t count = 0;
  if (node->kind == Node::Kind::scalar && parse_number(node->text, 1, workers_max, count, error)) {
    out = count;
    return;
  }
  root.report("workers", error + (node->kind == Node::Kind::scalar ? ", or auto" : ""));
}

void read_admin(Section section, Admin& out) {
  keys_of_admin(out, SectionKeys(section));
  section.finish();
}

// Returns whether the section sets min_size, which otherwise must not exceed a small max_size.
bool read_pool(Section section, Pool& out) {
  SectionKeys keys(section);
  keys_of_pool(out, keys);
  section.finish();
  return keys.has_number("min_size");
}

void read_pass_through(Section section, PassThrough& out) {
  keys_of_pass_through(out, SectionKeys(section));
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
  keys_of_timeouts(out, SectionKeys(section));
  section.finish();
}

void read_metrics(Section section, Metrics& out) {
  keys_of_metrics(out, SectionKeys(section));
  section.finish();
}

void read_log(Section section, Log& out) {
  keys_of_log(out, SectionKeys(section));
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

Admin read_admin_alone(Walk& walk, const Node& root_node) {
  Admin out;
  Section root(walk, &root_node, {});
  read_admin(root.section("admin"), out);
  return out;
}

}  // namespace pgweir::config
