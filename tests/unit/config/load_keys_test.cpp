// Every key, read to the value that it names; and the example that documents them all.
#include <catch2/catch.hpp>
#include <filesystem>

#include "config/validate.hpp"
#include "testing.hpp"

using namespace pgweir::config;
using namespace std::chrono_literals;

namespace {

Settings settings_of(std::string_view yaml, const FakeEnvironment& fake = {}) {
  const LoadResult result = load(yaml, fake);
  INFO(yaml);
  CHECK(lines_of(result.problems) == Lines{});
  REQUIRE(result.settings != nullptr);
  return *result.settings;
}

}  // namespace

TEST_CASE("the smallest file has the documented defaults") {
  const Settings s = settings_of(with(""));
  CHECK(s.listen.host == "127.0.0.1");
  CHECK(s.listen.port == 6432);
  CHECK(s.listen.max_clients == 10000);
  CHECK(s.listen.auth == AuthMethod::scram_sha_256);
  CHECK_FALSE(s.workers.has_value());
  CHECK(s.admin.host == "127.0.0.1");
  CHECK(s.admin.port == 9127);
  CHECK(s.admin.console_users.empty());
  CHECK(s.admin.ready_requires.empty());
  const Database& app = s.databases.at("app");
  CHECK(app.name == "app");
  CHECK(app.host == "db");
  CHECK(app.port == 5432);
  CHECK(app.dbname == "app");
  CHECK(app.users.empty());
  CHECK(app.pool == Pool{});
  CHECK(s.users.at("u").name == "u");
  CHECK(s.users.at("u").password.reveal() == "p");
  CHECK(s.timeouts.idle_transaction == 60s);
  CHECK(s.timeouts.client_write == 60s);
  CHECK(s.log.level == LogLevel::info);
}

TEST_CASE(
    "a server that is not on this machine is asked for TLS, and for its name, unless the file says "
    "otherwise") {
  const auto mode = [](const std::string& database) {
    return settings_of("databases: {app: {" + database + "}}\nusers: {u: {password: p}}")
        .databases.at("app")
        .tls.mode;
  };
  CHECK(mode("host: db") == TlsMode::verify_full);
  CHECK(mode("host: 127.0.0.1") == TlsMode::disable);
  CHECK(mode("host: localhost") == TlsMode::disable);
  CHECK(mode("host: db, tls: {mode: disable}") == TlsMode::disable);
  CHECK(mode("host: 127.0.0.1, tls: {mode: verify-ca}") == TlsMode::verify_ca);
}

TEST_CASE("listen, workers, admin, timeouts and log are read") {
  const Settings s = settings_of(with(R"(
listen: {host: 0.0.0.0, port: 1, max_clients: 7, auth: md5, tls: {mode: disable, handshake_timeout: 5s}}
workers: 3
admin: {host: "::1", port: 65535, console_users: [u]}
timeouts: {client_login: 1s, failed_login: 2s, client_idle: 2m, idle_transaction: 3h, client_write: 4s, query: 250ms, drain: 0s}
log: {format: json, level: debug}
)"));
  CHECK(s.listen.host == "0.0.0.0");
  CHECK(s.listen.port == 1);
  CHECK(s.listen.max_clients == 7);
  CHECK(s.listen.auth == AuthMethod::md5);
  CHECK(s.workers == 3u);
  CHECK(s.admin.host == "::1");
  CHECK(s.admin.port == 65535);
  CHECK(s.admin.console_users == std::vector<std::string>{"u"});
  CHECK(s.timeouts.client_login == 1s);
  CHECK(s.timeouts.failed_login == 2s);
  CHECK(s.timeouts.client_idle == 2min);
  CHECK(s.timeouts.idle_transaction == 3h);
  CHECK(s.timeouts.client_write == 4s);
  CHECK(s.timeouts.query == 250ms);
  CHECK(s.timeouts.drain == 0s);
  CHECK(s.log.format == LogFormat::json);
  CHECK(s.log.level == LogLevel::debug);
}

TEST_CASE("what readiness requires is read") {
  CHECK(settings_of(with("admin: {ready_requires: [app]}")).admin.ready_requires ==
        std::vector<std::string>{"app"});
}

TEST_CASE("every key of a database and of a pool is read") {
  const Settings s = settings_of(R"(
databases:
  app:
    host: db.example.org
    port: "5433"
    dbname: real
    users: [a, b]
    tls: {mode: disable}
    pool: {mode: session, state: strict, sequence_values: pin, unknown_code: trust, trust_triggers: true, pin_notice: true,
           audit_every: 7, audit_close: false, min_size: 1, max_size: 4, max_logins: 2, max_prepared_statements: 9,
           borrow_timeout: 1s, idle_timeout: 2s, max_lifetime: 3s, connect_timeout: 4s,
           role_check_interval: 5s}
users: {a: {password: x}, b: {password: y}}
)");
  const Database& app = s.databases.at("app");
  CHECK(app.host == "db.example.org");
  CHECK(app.port == 5433);
  CHECK(app.dbname == "real");
  CHECK(app.users == std::vector<std::string>{"a", "b"});
  CHECK(app.pool == Pool{PoolMode::session, StateTracking::strict, SequenceValues::pin, UnknownCode::trust,
                         true, true, 7, false, 1, 4, 2, 9, 1s, 2s, 3s, 4s, 5s});
}

TEST_CASE("a database's pool overrides single keys of the common pool") {
  const Settings s = settings_of(R"(
pool: {max_size: 50, min_size: 5, idle_timeout: 1m}
databases: {a: {host: db}, b: {host: db, pool: {max_size: 9, idle_timeout: 0s}}}
users: {u: {password: p}}
)");
  CHECK(s.databases.at("a").pool.max_size == 50);
  CHECK(s.databases.at("a").pool.idle_timeout == 1min);
  CHECK(s.databases.at("b").pool.max_size == 9);
  CHECK(s.databases.at("b").pool.min_size == 5);
  CHECK(s.databases.at("b").pool.idle_timeout == 0s);
}

TEST_CASE("the default of min_size gives way to a smaller max_size") {
  CHECK(settings_of(with("pool: {max_size: 1}")).databases.at("app").pool.min_size == 1);
  CHECK(settings_of(with_database("pool: {max_size: 1}")).databases.at("app").pool.min_size == 1);
}

TEST_CASE("\"*\" matches what no other entry does, and passes the client's name on") {
  const Settings s = settings_of("databases: {'*': {host: any}, app: {host: db}}\nusers: {u: {password: p}}");
  CHECK(s.find_database("app")->host == "db");
  CHECK(s.find_database("other")->host == "any");
  CHECK(s.find_database("other")->dbname.empty());
  CHECK(settings_of(with("")).find_database("other") == nullptr);
  CHECK(s.find_user("u") != nullptr);
  CHECK(s.find_user("v") == nullptr);
}

TEST_CASE("with trust a user needs no secret") {
  const Settings s = settings_of("databases: {app: {host: db}}\nusers: {u: }\nlisten: {auth: trust}");
  CHECK(s.listen.auth == AuthMethod::trust);
  CHECK(s.users.at("u").password.empty());
}

TEST_CASE("sections without entries read as if they were not there") {
  CHECK(settings_of(with("pool:\nlog: {}\ntimeouts: ~\n")).databases.at("app").pool == Pool{});
}

TEST_CASE("a secret comes from the file, a variable or a file of its own") {
  FakeEnvironment fake;
  fake.variables["APP_PASSWORD"] = "from-env\n";  // a variable is taken as it is
  fake.files["/run/secret"] = {"from-file\n", {}, false};
  fake.files["etc/beside"] = {" two\nlines\r\n", {}, false};
  const LoadResult result = load_text(R"(
databases: {app: {host: db}}
users:
  a: {password: 0123}
  b: {password_env: APP_PASSWORD}
  c: {password_file: /run/secret}
  d: {password_file: beside}
)",
                                      "etc/pgweir.yaml", fake.environment());
  REQUIRE(result.settings != nullptr);
  CHECK(result.problems.empty());
  CHECK(result.settings->users.at("a").password.reveal() == "0123");
  CHECK(result.settings->users.at("b").password.reveal() == "from-env\n");
  CHECK(result.settings->users.at("c").password.reveal() == "from-file");
  CHECK(result.settings->users.at("d").password.reveal() == " two\nlines");
}

TEST_CASE("the example file is valid and spells out the defaults") {
  const auto path = std::filesystem::path(__FILE__).parent_path() / "../../../deploy/pgweir.example.yaml";
  const LoadResult example = load_file(path.string());
  CHECK(lines_of(example.problems) == Lines{});
  REQUIRE(example.settings != nullptr);
  const Settings& s = *example.settings;
  const Settings defaults = settings_of(with(""));
  CHECK(s.listen.host == defaults.listen.host);
  CHECK(s.listen.port == defaults.listen.port);
  CHECK(s.listen.max_clients == defaults.listen.max_clients);
  CHECK(s.listen.auth == defaults.listen.auth);
  CHECK(s.workers == defaults.workers);
  CHECK(s.admin.port == defaults.admin.port);
  CHECK(s.databases.at("app").pool == Pool{});
  CHECK(s.databases.at("app").port == 5432);
  CHECK(s.timeouts.client_login == defaults.timeouts.client_login);
  CHECK(s.timeouts.client_idle == defaults.timeouts.client_idle);
  CHECK(s.timeouts.idle_transaction == defaults.timeouts.idle_transaction);
  CHECK(s.timeouts.client_write == defaults.timeouts.client_write);
  CHECK(s.timeouts.query == defaults.timeouts.query);
  CHECK(s.timeouts.drain == defaults.timeouts.drain);
  CHECK(s.log.format == defaults.log.format);
  CHECK(s.log.level == defaults.log.level);
}

TEST_CASE("an override counts instead of the file's value, also where the file has none") {
  const std::string yaml =
      "databases: {app: {host: h, pool: {max_size: 3}}}\nusers: {u: {password: p}}\ntimeouts: {query: 5s}\n";
  const FakeEnvironment fake;
  const Environment environment = fake.environment();
  const LoadResult result = load_text(yaml, "f", environment,
                                      {{"pool.max_size", "7"},
                                       {"databases.app.pool.max_size", "8"},
                                       {"timeouts.query", "9s"},
                                       {"log.level", "debug"}});
  REQUIRE(lines_of(result.problems) == Lines{});
  CHECK(result.settings->pool.max_size == 7);
  CHECK(result.settings->databases.at("app").pool.max_size == 8);
  CHECK(result.settings->timeouts.query == Millis{9'000});
  CHECK(result.settings->log.level == LogLevel::debug);
}

TEST_CASE("an override that is wrong is a problem like any other") {
  const std::string yaml = "databases: {app: {host: h}}\nusers: {u: {password: p}}\n";
  const FakeEnvironment fake;
  const Environment environment = fake.environment();
  CHECK(load_text(yaml, "f", environment, {{"pool.max_size", "many"}}).settings == nullptr);
  CHECK(load_text(yaml, "f", environment, {{"pool.nonsense", "1"}}).settings == nullptr);
  CHECK(load_text(yaml, "f", environment, {{"pool", "1"}}).settings == nullptr);
}
