#include "config/pass_through.hpp"

#include <catch2/catch.hpp>

#include "config/diff.hpp"
#include "testing.hpp"

using namespace pgweir::config;
using namespace std::chrono_literals;

namespace {

// `keys` of pass_through; `more` of the database and of the file.
std::string passing(std::string_view keys, std::string_view database = "", std::string_view file = "") {
  return "listen: {tls: {mode: require, cert_file: c, key_file: k}}\ndatabases: {app: {host: db, " +
         std::string(database) + "pass_through: {" + std::string(keys) + "}}}\nusers: {u: {password: p}}\n" +
         std::string(file);
}

FakeEnvironment with_files() {
  FakeEnvironment fake;
  fake.files["c"] = {"certificate", {}, false};
  fake.files["k"] = {"key", {}, false};
  return fake;
}

Lines problems(const std::string& yaml) {
  return problems_of(yaml, with_files());
}

Settings settings(const std::string& yaml) {
  const LoadResult loaded = load(yaml, with_files());
  REQUIRE(lines_of(loaded.problems) == Lines{});
  return *loaded.settings;
}

}  // namespace

TEST_CASE("a star stands for any characters, and nothing else for any") {
  struct Case {
    const char* pattern;
    const char* name;
    bool fits;
  };
  const Case c = GENERATE(values<Case>({{"app", "app", true},
                                        {"app", "apps", false},
                                        {"app", "App", false},
                                        {"*", "anything", true},
                                        {"*", "", true},
                                        {"app*", "app", true},
                                        {"app*", "app_1", true},
                                        {"app*", "xapp", false},
                                        {"*app", "my_app", true},
                                        {"*app", "apps", false},
                                        {"a*b*c", "abc", true},
                                        {"a*b*c", "a-b-b-c", true},
                                        {"a*b*c", "acb", false},
                                        {"a*a", "a", false},
                                        {"a*a", "aa", true},
                                        {"ab*ba", "aba", false},
                                        {"**", "x", true},
                                        {"a.c", "abc", false},
                                        {"a?c", "abc", false}}));
  INFO(c.pattern << " and " << c.name);
  CHECK(matches_pattern(c.pattern, c.name) == c.fits);
}

TEST_CASE("who passes through: whom the database names, nobody of the file, nobody of the console") {
  const Settings s =
      settings(passing("users: [team_*, guest]", "", "admin: {console_users: [u], stats_users: [u]}\n"));
  CHECK(pass_through_of(s, "app", "team_a") == s.find_database("app"));
  CHECK(pass_through_of(s, "app", "guest") != nullptr);
  CHECK(pass_through_of(s, "app", "guests") == nullptr);
  CHECK(pass_through_of(s, "app", "u") == nullptr);
  CHECK(pass_through_of(s, "other", "guest") == nullptr);
  CHECK(pass_through_of(s, "app", "team_" + std::string(58, 'x')) != nullptr);
  CHECK(pass_through_of(s, "app", "team_" + std::string(59, 'x')) == nullptr);
  Settings all = s;
  all.databases["*"] = all.databases["app"];
  all.databases["*"].pass_through.users = {"*"};
  all.admin.stats_users = {"watcher"};
  CHECK(pass_through_of(all, "other", "guests") == &all.databases["*"]);
  CHECK(pass_through_of(all, "app", "guests") == nullptr);
  CHECK(pass_through_of(all, "other", "watcher") == nullptr);
  CHECK(pass_through_of(all, "other", "u") == nullptr);
  CHECK(pass_through_of(all, "pgweir", "guests") == nullptr);
  CHECK(pass_through_of(all, "pgbouncer", "guests") == nullptr);
}

TEST_CASE("nobody passes through unless the file says so") {
  const Settings s = settings(with(""));
  CHECK_FALSE(s.databases.at("app").pass_through.on());
  CHECK(pass_through_of(s, "app", "guest") == nullptr);
}

TEST_CASE("its keys are read, and a reload that changes them is told") {
  const Settings s = settings(passing("users: ['*'], recheck: 1m, forget_after: 2m, max_unproven: 3"));
  const PassThrough& read = s.databases.at("app").pass_through;
  CHECK(read.users == std::vector<std::string>{"*"});
  CHECK(read.recheck == 1min);
  CHECK(read.forget_after == 2min);
  CHECK(read.max_unproven == 3);
  Lines lines;
  for (const Change& change : diff(settings(passing("users: [a]")), s)) lines.push_back(to_string(change));
  CHECK(lines == Lines{"databases.app.pass_through.forget_after: 10m -> 2m",
                       "databases.app.pass_through.max_unproven: 16 -> 3",
                       "databases.app.pass_through.recheck: 5m -> 1m",
                       "databases.app.pass_through.users: [a] -> [*]"});
}

TEST_CASE("the password travels through TLS only, to a server that is known") {
  const std::string at = "f:2: databases.app.pass_through: ";
  CHECK(problems_of("\n" + with_database("pass_through: {users: [a]}")) ==
        Lines{at + "needs listen.tls.mode prefer or require: the client tells the password itself"});
  CHECK(problems(passing("users: [a]", "tls: {mode: require}, ")) ==
        Lines{at + "needs tls.mode verify-full or verify-ca: the server judges passwords that are not ours"});
  CHECK(problems(passing("users: [a]", "tls: {mode: verify-ca}, ")) == Lines{});
  CHECK(problems(passing("users: [a]", "iam: true, ")).back() ==
        at + "iam logs in by tokens, so that no password can be proved; give one of the two");
  CHECK(problems("listen: {tls: {mode: prefer, cert_file: c, key_file: k}}\n"
                 "databases: {app: {host: 127.0.0.1, pass_through: {users: [a]}}}\n"
                 "users: {u: {password: p}}\n") == Lines{});
}

TEST_CASE("names that could not pass through are told") {
  const std::string at = "f:2: databases.app.pass_through.users";
  CHECK(problems(passing("users: [u]")) ==
        Lines{at + "[0]: is under users, which goes first: such a user proves what is said there"});
  CHECK(problems(passing("users: [a, '']")).size() == 1);
  CHECK(problems(passing("users: [a], recheck: 0s")).size() == 1);
  CHECK(problems(passing("users: [a], max_unproven: 0")).size() == 1);
  CHECK(problems(passing("users: [a], forget_after: 999ms")).size() == 1);
  const Lines console = problems(passing("users: [chief]", "", "admin: {console_users: [chief]}\n"));
  REQUIRE(console.size() == 2);
  CHECK(console[0] == at + "[0]: may use the console, so it has to be under users");
}

TEST_CASE("access rules may name those who pass through") {
  CHECK(problems(passing("users: [team_*]", "", "access: [{users: [u, team_a]}]\n")) == Lines{});
  CHECK(problems(passing("users: [team_*]", "", "access: [{users: [guest]}]\n")).size() == 1);
}
