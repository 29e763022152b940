// What is refused, and the exact line that says so.
#include <catch2/catch.hpp>

#include "testing.hpp"

using namespace pgweir::config;

namespace {

struct Case {
  std::string_view name;
  std::string yaml;
  Lines lines;
};

void check(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      const LoadResult result = load(c.yaml);
      CHECK(lines_of(result.problems) == c.lines);
      CHECK((result.settings == nullptr) == has_error(result.problems));
    }
  }
}

}  // namespace

TEST_CASE("keys that do not exist, or exist twice, are errors") {
  check({
      {"unknown", with("colour: red"), {"f:3: colour: unknown key"}},
      {"misspelt", with("lissten: {}"), {"f:3: lissten: unknown key; did you mean listen?"}},
      {"swapped letters",
       with_database("prot: 5"),
       {"f:1: databases.app.prot: unknown key; did you mean port?"}},
      {"in a pool",
       with("pool:\n  max_szie: 3"),
       {"f:4: pool.max_szie: unknown key; did you mean max_size?"}},
      {"in tls", with("listen: {tls: {mood: x}}"), {"f:3: listen.tls.mood: unknown key; did you mean mode?"}},
      {"merge key", with("pool: {<<: {}}"), {"f:3: pool.\"<<\": unknown key"}},
      {"no space after the colon",
       with_user("password: p, 'password_env:hunter2': "),
       {"f:2: users.u.password_env: unknown key; between a key's colon and its value stands a space"}},
      {"twice at the top",
       with("workers: 1\nlog: {}\nworkers: 2"),
       {"f:5: workers: duplicate key, already set on line 3"}},
      {"user twice",
       "databases: {app: {host: db}}\nusers:\n  u: {password: p}\n  u: {password: q}",
       {"f:4: users.u: duplicate key, already set on line 3"}},
      {"key that is no text", with("[a]: 1"), {"f:3: a key must be text", "f:3: \"\": unknown key"}},
      {"odd characters", with("\"a.b\\n\": 1"), {"f:3: \"a.b\\n\": unknown key"}},
  });
}

TEST_CASE("values of the wrong type are errors") {
  check({
      {"text for a number",
       with("listen: {port: abc}"),
       {"f:3: listen.port: expected a whole number from 1 to 65535, found \"abc\""}},
      {"fraction",
       with("listen: {port: 1.5}"),
       {"f:3: listen.port: expected a whole number from 1 to 65535, found \"1.5\""}},
      {"list for a number",
       with("listen: {port: [1]}"),
       {"f:3: listen.port: expected a single value, found a list"}},
      {"section for text",
       with("listen: {host: {}}"),
       {"f:3: listen.host: expected a single value, found a section"}},
      {"nothing",
       with("listen: {port: }"),
       {"f:3: listen.port: has no value; give it one or remove the key"}},
      {"empty text", with("listen: {host: ''}"), {"f:3: listen.host: is empty"}},
      {"text for a section",
       with("listen: here"),
       {"f:3: listen: expected a section of \"key: value\" entries, found a single value"}},
      {"list for a section",
       with("pool: [1]"),
       {"f:3: pool: expected a section of \"key: value\" entries, found a list"}},
      {"document that is a list", "- a", {"f:1: expected a section of \"key: value\" entries, found a list"}},
      {"password for a user's section",
       "databases: {app: {host: db}}\nusers: {u: hunter2}",
       {"f:2: users.u: expected a section of \"key: value\" entries, found a single value"}},
      {"text for a list",
       with("admin: {console_users: u}"),
       {"f:3: admin.console_users: expected a list such as [alice, bob], found a single value"}},
      {"section in a list",
       with("admin: {console_users: [u, {}]}"),
       {"f:3: admin.console_users[1]: expected a name"}},
      {"choice",
       with("listen: {auth: scram}"),
       {"f:3: listen.auth: unknown value \"scram\"; expected scram-sha-256, md5, trust"}},
      {"misspelt choice",
       with("pool: {mode: transactoin}"),
       {"f:3: pool.mode: unknown value \"transactoin\"; expected transaction, session; did you mean "
        "transaction?"}},
      {"workers",
       with("workers: some"),
       {"f:3: workers: expected a whole number from 1 to 1024, found \"some\", or auto"}},
      {"workers as a list", with("workers: [1]"), {"f:3: workers: expected auto or a whole number"}},
  });
}

TEST_CASE("numbers and durations out of range are errors") {
  check({
      {"port too large",
       with("listen: {port: 65536}"),
       {"f:3: listen.port: 65536 is out of range, expected a whole number from 1 to 65535"}},
      {"port zero",
       with_database("port: 0"),
       {"f:1: databases.app.port: 0 is out of range, expected a whole number from 1 to 65535"}},
      {"negative",
       with("listen: {max_clients: -1}"),
       {"f:3: listen.max_clients: -1 is out of range, expected a whole number from 1 to 1000000"}},
      {"beyond 64 bits",
       with("pool: {max_size: 99999999999999999999}"),
       {"f:3: pool.max_size: 99999999999999999999 is out of range, expected a whole number from 1 to 10000"}},
      {"workers zero",
       with("workers: 0"),
       {"f:3: workers: 0 is out of range, expected a whole number from 1 to 1024, or auto"}},
      {"bare number",
       with("timeouts: {query: 30}"),
       {"f:3: timeouts.query: a duration needs a unit: ms, s, m or h, for example 30s"}},
      {"unknown unit",
       with("timeouts: {query: 30sec}"),
       {"f:3: timeouts.query: unknown unit \"sec\"; the units are ms, s, m and h"}},
      {"no number",
       with("timeouts: {query: soon}"),
       {"f:3: timeouts.query: expected a whole number and a unit, such as 250ms, 30s, 10m or 1h; found "
        "\"soon\""}},
      {"too long", with("timeouts: {query: 8761h}"), {"f:3: timeouts.query: longer than a year (8760h)"}},
      {"negative duration",
       with("timeouts: {query: -1s}"),
       {"f:3: timeouts.query: a duration cannot be negative"}},
  });
}

TEST_CASE("what must be there and is not is an error") {
  check({
      {"host",
       "databases: {app: {port: 1}}\nusers: {u: {password: p}}",
       {"f:1: databases.app.host: is missing: the address of the PostgreSQL server"}},
      {"host of an empty entry",
       "databases:\n  app:\nusers: {u: {password: p}}",
       {"f:2: databases.app.host: is missing: the address of the PostgreSQL server"}},
      {"databases and users",
       "log: {}",
       {"f:1: databases: needs at least one database", "f:1: users: needs at least one user"}},
      {"any database",
       "databases: {}\nusers: {u: {password: p}}",
       {"f:1: databases: needs at least one database"}},
      {"any user", "databases: {app: {host: db}}\nusers: ", {"f:2: users: needs at least one user"}},
      {"the secret",
       with_user(""),
       {"f:2: users.u: has no secret: password, password_env, password_file, scram_verifier, secret or "
        "ssm_parameter"}},
      {"names in a list of users",
       with_database("users: []"),
       {"f:1: databases.app.users: is empty; leave the key out to admit every user"}},
  });
}

TEST_CASE("what does not make sense for TLS is refused") {
  check({
      {"a mode of the other side",
       with("listen: {tls: {mode: verify-full}}"),
       {"f:3: listen.tls.mode: unknown value \"verify-full\"; expected disable, prefer, require"}},
      {"no certificate",
       with("listen: {tls: {mode: require}}"),
       {"f:3: listen.tls.cert_file: is missing: TLS needs a certificate and its key"}},
      {"half a pair",
       with("listen: {tls: {cert_file: a.pem}}"),
       {"f:3: listen.tls.cert_file: cannot read a.pem: No such file or directory",
        "f:3: listen.tls.cert_file: needs its key_file",
        "f:3: listen.tls.cert_file: warning: is not used while listen.tls.mode is disable, its default: "
        "clients get plain text; set mode to prefer or require"}},
      {"the other half",
       with_database("tls: {key_file: a.pem}"),
       {"f:1: databases.app.tls.key_file: cannot read a.pem: No such file or directory",
        "f:1: databases.app.tls.key_file: needs the cert_file that it belongs to"}},
      {"no time for a handshake",
       with("listen: {tls: {handshake_timeout: 0s}}"),
       {"f:3: listen.tls.handshake_timeout: must not be 0: a silent client would stay for ever"}},
      {"trust that is not asked for",
       with_database("tls: {mode: require, ca_file: x}"),
       {"f:1: databases.app.tls.ca_file: cannot read x: No such file or directory",
        "f:1: databases.app.tls.ca_file: is not looked at with mode require; verify-full checks the server's "
        "certificate"}},
      {"direct without TLS",
       with_database("tls: {mode: prefer, negotiation: direct}"),
       {"f:1: databases.app.tls.negotiation: direct needs mode require, verify-ca or verify-full"}},
  });
}

TEST_CASE("what does not make sense for verifiers, access and load balancers is refused") {
  check({
      {"no verifier",
       with_user("scram_verifier: x"),
       {"f:2: users.u.scram_verifier: is not a SCRAM-SHA-256 verifier as in pg_authid.rolpassword"}},
      {"a verifier for md5",
       "databases: {app: {host: db}}\nusers: {u: {scram_verifier: SCRAM-SHA-256$x}}\nlisten: {auth: md5}",
       {"f:2: users.u.scram_verifier: needs listen.auth scram-sha-256: only its proof can be passed on"}},
      {"access is no list",
       with("access: {users: [u]}"),
       {"f:3: access: expected a list of rules such as - {networks: [10.0.0.0/8], users: [app]}"}},
      {"an empty list",
       with("access: []"),
       {"f:3: access: is empty, so that no client could log in; leave it out to admit all"}},
      {"names that do not exist",
       with("access: [{users: [x], databases: [y]}]"),
       {"f:3: access[0].users[0]: there is no user \"x\" under users",
        "f:3: access[0].databases[0]: there is no such database under databases"}},
      {"the console's databases, which are nowhere else",
       with("access: [{databases: [pgweir, pgbouncer]}]"),
       {}},
      {"an unknown key of a rule",
       with("access: [{user: u}]"),
       {"f:3: access[0].user: unknown key; did you mean users?"}},
      {"a rule for TLS without TLS",
       with("access: [{tls: true}]"),
       {"f:3: access[0].tls: fits no client while listen.tls.mode is disable"}},
      {"networks",
       with("access: [{networks: [10.0.0.1/8, 10.0.0.0/33, host, \"fd00::/8\", 192.0.2.1]}]"),
       {"f:3: access[0].networks[0]: \"10.0.0.1/8\": has bits set after its prefix; did you mean "
        "10.0.0.0/8?",
        "f:3: access[0].networks[1]: \"10.0.0.0/33\": expected 0 to 32 after the slash",
        "f:3: access[0].networks[2]: \"host\": expected an address or a network such as 10.0.0.0/8"}},
      {"a load balancer that is not named",
       with("listen: {proxy_protocol: v2}"),
       {"f:3: listen.proxy_sources: is missing: the networks of the load balancers whose word is taken"}},
      {"version 1",
       with("listen: {proxy_protocol: v1, proxy_sources: [10.0.0.1]}"),
       {"f:3: listen.proxy_protocol: unknown value \"v1\"; expected off, v2; did you mean v2?"}},
  });
}

TEST_CASE("documents that are not one YAML mapping are refused with their line") {
  check({
      {"nothing", "", {"f: the document is empty"}},
      {"comments", "# only\n", {"f: the document is empty"}},
      {"null", "---\n...\n", {"f: the document is empty"}},
      {"a tab", "databases:\n\tapp: {host: db}\n", {"f:2: YAML syntax: tabs cannot indent; use spaces"}},
      {"a tab below",
       "databases:\n  app:\n    host: db\n\tport: 1\n",
       {"f:4: YAML syntax: tabs cannot indent; use spaces"}},
      {"unclosed", "a: {b: 1\n", {"f:2: YAML syntax: end of map flow not found"}},
      {"two documents",
       with("---\nlog: {}"),
       {"f:3: YAML syntax: a second document; a configuration is one document"}},
      {"unknown anchor hides the name",
       "a: *hunter2",
       {"f:1: YAML syntax: the referenced anchor is not defined"}},
      {"alias",
       "databases: {app: {host: &h db}}\nusers: {u: {password: *h}}",
       {"f:2: YAML aliases are not supported; write the value out",
        "f:2: users.u.password: has no value; give it one or remove the key"}},
      {"tag",
       with("workers: !!int 3"),
       {"f:3: YAML tags are not supported; quote the value if it must be text"}},
      {"NUL",
       std::string("a: 1\nb: \0", 9),
       {"f:2: a control character; in a quoted value write it as an escape"}},
      {"end of transmission",
       "a: \x04 b",
       {"f:1: a control character; in a quoted value write it as an escape"}},
      {"Latin-1", "a: 1\nb: \xe9", {"f:2: not valid UTF-8"}},
      {"overlong UTF-8", "\xc0\xaf", {"f:1: not valid UTF-8"}},
      {"UTF-16",
       std::string("\xff\xfe"
                   "a\0",
                   4),
       {"f:1: not valid UTF-8"}},
      {"byte order mark and CRLF",
       "\xef\xbb\xbf"
       "databases: {app: {host: db}}\r\nusers: {u: {password: p}}\r\n",
       {}},
  });
}

TEST_CASE("all problems of a file are reported at once, in its order") {
  FakeEnvironment fake;
  fake.files["open"] = {"secret\n", {}, true};
  const Lines lines = problems_of(R"(listen:
  host: 0.0.0.0
  port: 70000
  auth: trust
  tls: {mode: prefer}
workers: many
databases:
  app:
    hots: db
    users: [u, ghost]
    pool: {min_size: 9, max_size: 3, mod: session}
  "*": {host: db, dbname: x}
users:
  u: {password: p, password_env: MISSING}
  v: {password_file: open}
  w: {password_file: nowhere}
pool:
  borrow_timeout: 0s
  max_size: 0
timeouts: {query: 5, drain: 2h}
log: {level: loud}
log: {}
)",
                                  fake);
  CHECK(
      lines ==
      Lines{
          "f:3: listen.port: 70000 is out of range, expected a whole number from 1 to 65535",
          "f:4: listen.auth: trust admits any client and needs a loopback listen.host such as 127.0.0.1",
          "f:5: listen.tls.cert_file: is missing: TLS needs a certificate and its key",
          "f:6: workers: expected a whole number from 1 to 1024, found \"many\", or auto",
          "f:8: databases.app.host: is missing: the address of the PostgreSQL server",
          "f:9: databases.app.hots: unknown key; did you mean host?",
          "f:10: databases.app.users[1]: there is no user \"ghost\" under users",
          "f:11: databases.app.pool.min_size: min_size 9 is above max_size 3",
          "f:11: databases.app.pool.mod: unknown key; did you mean mode?",
          "f:12: databases.*.dbname: \"*\" passes on the name that the client asks for and cannot have a "
          "dbname",
          "f:14: users.u: has more than one secret: password, password_env",
          "f:14: users.u.password_env: the environment variable MISSING is not set",
          "f:15: users.v.password_file: warning: every user of this machine can read the file; chmod o-r "
          "protects it",
          "f:16: users.w.password_file: cannot read the file of this name in .: No such file or directory",
          "f:18: pool.borrow_timeout: must not be 0: clients would wait for ever",
          "f:19: pool.max_size: 0 is out of range, expected a whole number from 1 to 10000",
          "f:20: timeouts.query: a duration needs a unit: ms, s, m or h, for example 30s",
          "f:20: timeouts.drain: warning: a drain of more than an hour keeps the old process alive that long",
          "f:21: log.level: unknown value \"loud\"; expected trace, debug, info, warning, error",
          "f:22: log: duplicate key, already set on line 21",
      });
}

TEST_CASE("a certificate that no client will see is told of") {
  FakeEnvironment fake;
  fake.files["a.pem"] = {"x", {}, false};
  const std::string pair = "cert_file: a.pem, key_file: a.pem";
  CHECK(
      problems_of(with("listen: {tls: {" + pair + "}}"), fake) ==
      Lines{"f:3: listen.tls.cert_file: warning: is not used while listen.tls.mode is disable, its default: "
            "clients get plain text; set mode to prefer or require"});
  CHECK(problems_of(with("listen: {tls: {mode: prefer, " + pair + "}}"), fake).empty());
}

TEST_CASE("the admin address is found whatever else is wrong with the file") {
  const FakeEnvironment nothing;
  const AdminResult found = load_admin_text(
      "admin: {host: 127.0.0.2, port: 1234}\nusers: {u: {password_env: UNSET}}\nno_such_key: 1", "f",
      nothing.environment());
  REQUIRE(found.admin);
  CHECK((found.admin->host == "127.0.0.2" && found.admin->port == 1234));
  CHECK(load_admin_text("users: {}", "f", nothing.environment()).admin->port == 9127);

  const AdminResult wrong = load_admin_text("admin: {port: x}", "f", nothing.environment());
  CHECK_FALSE(wrong.admin);
  CHECK(lines_of(wrong.problems) ==
        Lines{"f:1: admin.port: expected a whole number from 1 to 65535, found \"x\""});
  CHECK(lines_of(load_admin_text("", "f", nothing.environment()).problems) ==
        Lines{"f: the document is empty"});
}

TEST_CASE("problems carry the column too") {
  const LoadResult result = load(with("listen: {port: abc}"));
  REQUIRE(result.problems.size() == 1);
  CHECK(result.problems[0].line == 3);
  CHECK(result.problems[0].column == 16);
}

TEST_CASE("warnings alone do not refuse a file") {
  const LoadResult result = load(with("timeouts: {drain: 2h}"));
  CHECK(result.problems.size() == 1);
  CHECK(result.settings != nullptr);
}
