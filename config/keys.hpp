// One line for each setting that is one value: its key, its member, and what else is to be known of it. The
// default is the member's own, in settings.hpp. Code that goes over all settings does it here: the reader of
// the file, and the list from which a reload's changes and the console's SHOW CONFIG come.
//
// A visitor is called as key(name, member, options...). What takes more than a line to read (TLS and its files,
// secrets, access rules, `workers`) is not here.
#pragma once

#include <cstdint>

#include "config/settings.hpp"

namespace pgweir::config {

// Options. A number has bounds; some settings need a restart.
struct Range {
  std::uint32_t min = 0;
  std::uint32_t max = 0;
};
enum class NeedsRestart {};
inline constexpr NeedsRestart restart{};

inline constexpr std::uint32_t max_clients_bound = 1'000'000;
inline constexpr std::uint32_t pool_size_bound = 10'000;  // PostgreSQL's max_connections is far below
inline constexpr std::uint32_t statements_bound = 100'000;
inline constexpr std::uint32_t audit_every_bound = 1'000'000'000;
inline constexpr std::uint32_t unproven_bound = 1'000;  // each may have a login to the server under way

template <class Listen, class Key>
void keys_of_listen(Listen& listen, Key&& key) {
  key("host", listen.host, restart);
  key("port", listen.port, restart);
  key("max_clients", listen.max_clients, Range{1, max_clients_bound});
  key("auth", listen.auth);
  key("reuse_port", listen.reuse_port, restart);
  key("drain_rate", listen.drain_rate, Range{0, max_clients_bound});
}

template <class Admin, class Key>
void keys_of_admin(Admin& admin, Key&& key) {
  key("host", admin.host, restart);
  key("port", admin.port, restart);
  key("console_users", admin.console_users);
  key("stats_users", admin.stats_users);
  key("watch_config", admin.watch_config);
  key("ready_requires", admin.ready_requires);
}

template <class Pool, class Key>
void keys_of_pool(Pool& pool, Key&& key) {
  key("mode", pool.mode);
  key("state", pool.state);
  key("sequence_values", pool.sequence_values);
  key("unknown_code", pool.unknown_code);
  key("trust_triggers", pool.trust_triggers);
  key("pin_notice", pool.pin_notice);
  key("audit_every", pool.audit_every, Range{0, audit_every_bound});
  key("audit_close", pool.audit_close);
  key("min_size", pool.min_size, Range{0, pool_size_bound});
  key("max_size", pool.max_size, Range{1, pool_size_bound});
  key("max_logins", pool.max_logins, Range{1, pool_size_bound});
  key("max_prepared_statements", pool.max_prepared_statements, Range{1, statements_bound});
  key("borrow_timeout", pool.borrow_timeout);
  key("idle_timeout", pool.idle_timeout);
  key("max_lifetime", pool.max_lifetime);
  key("connect_timeout", pool.connect_timeout);
  key("role_check_interval", pool.role_check_interval);
}

template <class PassThrough, class Key>
void keys_of_pass_through(PassThrough& pass_through, Key&& key) {
  key("users", pass_through.users);
  key("recheck", pass_through.recheck);
  key("forget_after", pass_through.forget_after);
  key("max_unproven", pass_through.max_unproven, Range{1, unproven_bound});
}

template <class Timeouts, class Key>
void keys_of_timeouts(Timeouts& timeouts, Key&& key) {
  key("client_login", timeouts.client_login);
  key("failed_login", timeouts.failed_login);
  key("client_idle", timeouts.client_idle);
  key("idle_transaction", timeouts.idle_transaction);
  key("client_write", timeouts.client_write);
  key("query", timeouts.query);
  key("drain", timeouts.drain);
  key("drain_accept_grace", timeouts.drain_accept_grace);
}

template <class Metrics, class Key>
void keys_of_metrics(Metrics& metrics, Key&& key) {
  key("emf", metrics.emf);
  key("emf_namespace", metrics.emf_namespace);
  key("emf_proxy_name", metrics.emf_proxy_name);
  key("emf_interval", metrics.emf_interval);
}

template <class Log, class Key>
void keys_of_log(Log& log, Key&& key) {
  key("format", log.format);
  key("level", log.level);
}

template <class Aws, class Key>
void keys_of_aws_secrets(Aws& aws, Key&& key) {
  key("refresh", aws.secret_refresh);
  key("grace", aws.secret_grace);
}

template <class Aws, class Key>
void keys_of_aws_iam(Aws& aws, Key&& key) {
  key("server_id", aws.server_id);
  key("max_token_age", aws.max_token_age);
}

}  // namespace pgweir::config
