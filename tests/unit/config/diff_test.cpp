// What a reload would change, and what of it waits for a restart.
#include "config/diff.hpp"

#include <catch2/catch.hpp>

#include "testing.hpp"

using namespace pgweir::config;

namespace {

Lines changes(const std::string& from, const std::string& to) {
  const LoadResult a = load(from);
  const LoadResult b = load(to);
  REQUIRE(a.settings != nullptr);
  REQUIRE(b.settings != nullptr);
  Lines lines;
  for (const Change& change : diff(*a.settings, *b.settings)) lines.push_back(to_string(change));
  return lines;
}

}  // namespace

TEST_CASE("equal settings do not differ") {
  CHECK(changes(with(""), with("log: {level: info}")).empty());
}

TEST_CASE("addresses and workers wait for a restart") {
  CHECK(
      changes(with(""), with("listen: {host: '::1', port: 1}\nadmin: {host: '::1', port: 2}\nworkers: 3")) ==
      Lines{"admin.host: 127.0.0.1 -> ::1 (needs a restart)", "admin.port: 9127 -> 2 (needs a restart)",
            "listen.host: 127.0.0.1 -> ::1 (needs a restart)", "listen.port: 6432 -> 1 (needs a restart)",
            "workers: auto -> 3 (needs a restart)"});
}

TEST_CASE("what goes back to how the process was started needs no restart") {
  const LoadResult started = load(with("listen: {port: 1}\nworkers: 2"));
  const LoadResult changed = load(with("listen: {port: 5}\nworkers: 3"));
  const LoadResult next = load(with("listen: {port: 1}\nworkers: 4"));
  const std::vector<Change> changes = diff(*changed.settings, *next.settings, *started.settings);
  REQUIRE(changes.size() == 2);
  CHECK(to_string(changes[0]) == "listen.port: 5 -> 1");
  CHECK(to_string(changes[1]) == "workers: 3 -> 4 (needs a restart)");
}

TEST_CASE("everything else applies at once") {
  CHECK(changes(with(""), with("listen: {max_clients: 5, auth: md5}\n"
                               "admin: {console_users: [u]}\n"
                               "timeouts: {client_login: 1s, failed_login: 1s, client_idle: 90s, "
                               "idle_transaction: 1s, client_write: 1s, "
                               "query: 1s, drain: 1500ms}\n"
                               "log: {format: json, level: error}")) ==
        Lines{"admin.console_users: [] -> [u]", "listen.auth: scram-sha-256 -> md5",
              "listen.max_clients: 10000 -> 5", "log.format: text -> json", "log.level: info -> error",
              "timeouts.client_idle: 30m -> 90s", "timeouts.client_login: 1m -> 1s",
              "timeouts.client_write: 1m -> 1s", "timeouts.drain: 25s -> 1500ms",
              "timeouts.failed_login: 3s -> 1s", "timeouts.idle_transaction: 1m -> 1s",
              "timeouts.query: 0s -> 1s"});
}

TEST_CASE("what readiness requires applies at once") {
  CHECK(changes(with(""), with("admin: {ready_requires: [app]}")) ==
        Lines{"admin.ready_requires: [] -> [app]"});
}

TEST_CASE("every key of a database is compared") {
  CHECK(changes(
            with(""),
            "databases: {app: {host: other, port: 1, dbname: x, users: [u], pool: {mode: session, state: "
            "strict, sequence_values: pin, unknown_code: trust, trust_triggers: true, pin_notice: true, "
            "audit_every: 1, "
            "audit_close: false, min_size: 1, "
            "max_size: 30, max_logins: 1, max_prepared_statements: 1, borrow_timeout: 1s, idle_timeout: 1s, "
            "max_lifetime: 1s, connect_timeout: 1s, role_check_interval: 1s}}}\nusers: {u: {password: p}}") ==
        Lines{"databases.app.dbname: app -> x",
              "databases.app.host: db -> other",
              "databases.app.pool.audit_close: true -> false",
              "databases.app.pool.audit_every: 5000 -> 1",
              "databases.app.pool.borrow_timeout: 2m -> 1s",
              "databases.app.pool.connect_timeout: 5s -> 1s",
              "databases.app.pool.idle_timeout: 10m -> 1s",
              "databases.app.pool.max_lifetime: 1h -> 1s",
              "databases.app.pool.max_logins: 4 -> 1",
              "databases.app.pool.max_prepared_statements: 200 -> 1",
              "databases.app.pool.max_size: 20 -> 30",
              "databases.app.pool.min_size: 2 -> 1",
              "databases.app.pool.mode: transaction -> session",
              "databases.app.pool.pin_notice: false -> true",
              "databases.app.pool.role_check_interval: 1m -> 1s",
              "databases.app.pool.sequence_values: learn -> pin",
              "databases.app.pool.state: tracked -> strict",
              "databases.app.pool.trust_triggers: false -> true",
              "databases.app.pool.unknown_code: close -> trust",
              "databases.app.port: 5432 -> 1",
              "databases.app.users: all -> [u]"});
}

TEST_CASE("databases and users that come or go are one change each") {
  CHECK(changes("databases: {a: {host: x}}\nusers: {u: {password: p}}",
                "databases: {b.c: {host: x}}\nusers: {u: {password: p}, v: {password: q}}") ==
        Lines{"databases.\"b.c\": absent -> present", "databases.a: present -> absent",
              "users.v: absent -> present"});
}

TEST_CASE("the way a change applies has a name for the log") {
  CHECK(to_string(Applies::now) == "now");
  CHECK(to_string(Applies::restart) == "restart");
}
