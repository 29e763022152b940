// Contradictions between keys that are each fine alone.
#include "config/validate.hpp"

#include <catch2/catch.hpp>

#include "testing.hpp"

using namespace pgweir::config;

TEST_CASE("a pool's contradictions name the key that made them") {
  CHECK(problems_of(with("pool: {min_size: 21}")) ==
        Lines{"f:3: pool.min_size: min_size 21 is above max_size 20"});
  CHECK(problems_of(with_database("pool: {max_size: 3}") + "pool: {min_size: 5}") ==
        Lines{"f:1: databases.app.pool.max_size: min_size 5 is above max_size 3"});
  CHECK(
      problems_of(with_database("pool: {max_size: 0}")) ==
      Lines{"f:1: databases.app.pool.max_size: 0 is out of range, expected a whole number from 1 to 10000"});
  CHECK(problems_of(with("pool: {max_logins: 0}")) ==
        Lines{"f:3: pool.max_logins: 0 is out of range, expected a whole number from 1 to 10000"});
  CHECK(problems_of(with("pool: {connect_timeout: 0s}")) ==
        Lines{"f:3: pool.connect_timeout: must not be 0: a silent server would block the pool for ever"});
}

TEST_CASE("a problem of the shared pool is reported once, however many databases share it") {
  const Lines lines = problems_of(
      "pool: {borrow_timeout: 0s}\ndatabases: {a: {host: x}, b: {host: x}}\nusers: {u: {password: p}}");
  CHECK(lines == Lines{"f:1: pool.borrow_timeout: must not be 0: clients would wait for ever"});
}

TEST_CASE("trust needs a loopback address") {
  for (const char* host : {"127.0.0.1", "127.9.9.9", "'::1'", "localhost"}) {
    INFO(host);
    CHECK(problems_of(with("listen: {auth: trust, host: " + std::string(host) + "}")).empty());
  }
  for (const char* host :
       {"0.0.0.0", "10.0.0.1", "'::'", "127.example.org", "127.0.0.1.example.org", "128.0.0.1"}) {
    INFO(host);
    CHECK(problems_of(with("listen: {auth: trust, host: " + std::string(host) + "}")).size() == 1);
  }
  CHECK_FALSE(is_loopback("127."));
  CHECK_FALSE(is_loopback("127.1"));
  CHECK_FALSE(is_loopback("127..0.1"));
  CHECK_FALSE(is_loopback("127.0.0.1000"));
  CHECK_FALSE(is_loopback(""));
}

TEST_CASE("the admin listener needs an address of its own") {
  const Lines same{"f:3: admin.port: the same address as listen; give the admin listener a port of its own"};
  CHECK(problems_of(with("admin: {port: 6432}")) == same);
  CHECK(problems_of(with("admin: {port: 6432, host: localhost}")) == same);
  CHECK(problems_of(with("admin: {port: 6432, host: 0.0.0.0}")) == same);
  CHECK(problems_of(with("admin: {port: 6432, host: 127.0.0.2}")).empty());
}

TEST_CASE("names and hosts must be ones that PostgreSQL and the network can have") {
  const std::string name63(63, 'n');
  const std::string users = "\nusers: {u: {password: p}}";
  CHECK(problems_of("databases: {" + name63 + ": {host: db}}" + users).empty());
  CHECK(problems_of("databases: {" + name63 + "n: {host: db, dbname: x}}" + users) ==
        Lines{"f:1: databases." + name63 + "n: the name is longer than 63 bytes"});
  CHECK(problems_of("databases: {\"a\\0b\": {host: db, dbname: x}}" + users) ==
        Lines{"f:1: databases.\"a\\x00b\": the name contains a control character"});
  CHECK(problems_of("databases: {app: {host: db}}\nusers: {\"a\\nb\": {password: p}}") ==
        Lines{"f:2: users.\"a\\nb\": the name contains a control character"});
  CHECK(problems_of("databases: {'': {host: db, dbname: x}}" + users) ==
        Lines{"f:1: databases.\"\": the name is empty"});
  CHECK(problems_of(with_database("dbname: \"a\\nb\"")) ==
        Lines{"f:1: databases.app.dbname: the name contains a control character"});
  CHECK(problems_of("databases: {app: {host: 'db:5432'}}" + users) ==
        Lines{"f:1: databases.app.host: a host without its port; port is a key of its own"});
  for (const char* url : {"postgres://db/app", "https://db.example.org:5432", "postgres://u:p@db"}) {
    INFO(url);
    CHECK(problems_of("databases: {app: {host: '" + std::string(url) + "'}}" + users) ==
          Lines{"f:1: databases.app.host: a host's name or address, not a URL; port, dbname and users are "
                "keys of their own"});
  }
  CHECK(problems_of("databases: {app: {host: 'a b'}}" + users) ==
        Lines{"f:1: databases.app.host: the host contains a space or a control character"});
  CHECK(problems_of("databases: {app: {host: ''}}" + users) == Lines{"f:1: databases.app.host: is empty"});
  CHECK(problems_of("databases: {app: {host: " + std::string(254, 'h') + "}}" + users) ==
        Lines{"f:1: databases.app.host: the host is longer than any host name"});
}

TEST_CASE("lists of users name users of the file") {
  CHECK(problems_of(with_database("users: [u, v]")) ==
        Lines{"f:1: databases.app.users[1]: there is no user \"v\" under users"});
  CHECK(problems_of("databases: {app: {host: db, users: [shopuser]}}\nusers: {shop_user: {password: p}}") ==
        Lines{"f:1: databases.app.users[0]: there is no user \"shopuser\" under users; did you mean "
              "shop_user?"});
  CHECK(problems_of(with_database("users: [u, u]")) == Lines{"f:1: databases.app.users[1]: named twice"});
  CHECK(
      problems_of(with("admin: {console_users: [v]}")) ==
      Lines{
          "f:3: admin.console_users[0]: warning: there is no such user under users, so nobody can log in by "
          "this name"});
}

TEST_CASE("ready_requires names databases that are kept warm") {
  const auto lines = [](const std::string& names, const std::string& databases,
                        const std::string& rest = "") {
    return problems_of("databases: {" + databases + "}\nadmin: {ready_requires: [" + names +
                       "]}\nusers: {u: {password: p}}\n" + rest);
  };
  const std::string cold =
      "no pool of this database is kept warm, so nobody would notice that it is away; it needs min_size 1 "
      "and a user with a password, one who is not for the console";
  CHECK(lines("app", "app: {host: db}, other: {host: db}") == Lines{});
  CHECK(lines("app, ap", "app: {host: db}") ==
        Lines{"f:2: admin.ready_requires[1]: there is no such database under databases"});
  CHECK(lines("app, app", "app: {host: db}") == Lines{"f:2: admin.ready_requires[1]: named twice"});
  CHECK(lines("'*'", "'*': {host: db}") ==
        Lines{"f:2: admin.ready_requires[0]: \"*\" stands for no database in particular; give names"});
  CHECK(lines("app", "'*': {host: db}") ==
        Lines{"f:2: admin.ready_requires[0]: there is no such database under databases"});
  CHECK(lines("app", "app: {host: db, pool: {min_size: 0}}") ==
        Lines{"f:2: admin.ready_requires[0]: " + cold});
  CHECK(problems_of(with("admin: {console_users: [u], ready_requires: [app]}")) ==
        Lines{"f:3: admin.ready_requires[0]: " + cold});
  CHECK(lines("app", "app: {host: db}", "pool: {min_size: 0}") ==
        Lines{"f:2: admin.ready_requires[0]: " + cold});
}

TEST_CASE("a database under the console's name is warned about") {
  CHECK(
      problems_of("databases: {pgbouncer: {host: db}}\nusers: {u: {password: p}}") ==
      Lines{"f:1: databases.pgbouncer: warning: the console answers under this name and hides the database"});
}

TEST_CASE("the descriptors of clients, pools and the reserve are added up") {
  const LoadResult result = load(
      "listen: {max_clients: 1000}\n"
      "databases: {a: {host: x, users: [u], pool: {max_size: 5}}, b: {host: x}}\n"
      "users: {u: {password: p}, v: {password: p}, w: {password: p}}\n"
      "pool: {max_size: 10}\n");
  REQUIRE(result.settings != nullptr);
  const Settings& settings = *result.settings;
  CHECK(max_backends(settings) == 35);  // one pool of 5, three of 10
  CHECK(check_descriptors(settings, 1291, result.locations).empty());
  CHECK(lines_of(check_descriptors(settings, 1290, result.locations)) ==
        Lines{"f:1: listen.max_clients: warning: 1000 clients, 35 backends and 256 in reserve need 1291 file "
              "descriptors; the hard limit is 1290, so at most 999 clients are served at a time"});
  CHECK(
      lines_of(check_descriptors(settings, 291, result.locations)) ==
      Lines{
          "f:4: pool.max_size: 1000 clients, 35 backends and 256 in reserve need 1291 file descriptors; the "
          "hard limit is 291, less than the pools alone may open"});
}

TEST_CASE("a limit for clients that do not read may be off, and is doubtful when it is very short") {
  for (const char* limit : {"0s", "1s", "5m"}) {
    INFO(limit);
    CHECK(problems_of(with("timeouts: {client_write: " + std::string(limit) + "}")).empty());
  }
  CHECK(
      problems_of(with("timeouts: {client_write: 999ms}")) ==
      Lines{"f:3: timeouts.client_write: warning: less than a second closes clients that are merely slow for "
            "a moment"});
}
