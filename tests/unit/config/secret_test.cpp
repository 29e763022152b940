// A secret reaches no problem, no difference and no stream; and it does not outlive its owner in memory.
#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <new>
#include <sstream>
#include <utility>

#include "config/diff.hpp"
#include "testing.hpp"

using namespace pgweir::config;

TEST_CASE("printing a secret prints stars") {
  std::ostringstream out;
  out << Secret("hunter2") << Secret();
  CHECK(out.str() == "***");
}

TEST_CASE("a secret that is moved from is empty, and an assigned one has the new value") {
  Secret a("a long secret that does not fit a small string");
  Secret b(std::move(a));
  CHECK(a.empty());  // NOLINT(bugprone-use-after-move): that is the promise
  CHECK(b.reveal() == "a long secret that does not fit a small string");
  a = b;
  CHECK(a == b);
  b = Secret("short");
  CHECK(b.reveal() == "short");
  a = std::move(b);
  CHECK(a.reveal() == "short");
  CHECK(b.empty());  // NOLINT(bugprone-use-after-move)
  a = *&a;
  CHECK(a.reveal() == "short");
}

TEST_CASE("a destroyed secret leaves nothing behind in its memory") {
  alignas(Secret) std::array<unsigned char, sizeof(Secret)> storage{};
  const auto holds = [&](std::string_view text) {
    return std::search(storage.begin(), storage.end(), text.begin(), text.end()) != storage.end();
  };
  auto* secret = new (storage.data()) Secret("hunter2");  // short enough to live inside the object
  CHECK(holds("hunter2"));
  *secret = Secret("no");
  CHECK_FALSE(holds("nter2"));
  *secret = Secret("hunter2");
  secret->~Secret();
  CHECK_FALSE(holds("hunter2"));
}

TEST_CASE("no problem repeats a secret, not even one behind the wrong key") {
  FakeEnvironment fake;
  fake.variables["hunter2"] = "";
  const std::string app = "databases: {app: {host: db}}\n";
  for (const char* const users : {
           "users: {u: hunter2}",
           "users: {u: [hunter2]}",
           "users: {u: {password: [hunter2]}}",
           "users: {u: {password: {hunter2: }}}",
           "users: {u: {password: \"hunter2\\0\"}}",
           "users: {u: {password: hunter2, password_env: hunter2}}",
           "users: {u: {password_env: hunter2}}",
           "users: {u: {password_env: 0123456789}}",
           "users: {u: {password_env: hunter2x}}",
           "users: {u: {password_file: hunter2}}",
           "users: {u: {password: hunter2, secret: hunter2}}",
           "users: {u: {scram_verifier: hunter2}}",
           "users: {u: {password:hunter2}}",
           "users: {u: {password: *hunter2}}",
           "users: {u: {password: !!hunter2 x}}",
           "users: {u: {password: 'hunter2}}",
           "users: {u: {password: @hunter2}}",
           "users: {u: {password: %hunter2}}",
       }) {
    INFO(users);
    const LoadResult result = load(app + users, fake);
    CHECK(result.settings == nullptr);
    REQUIRE_FALSE(result.problems.empty());
    for (const auto& line : lines_of(result.problems)) {
      CHECK(line.find("hunter2") == std::string::npos);
      CHECK(line.find("0123456789") == std::string::npos);
    }
  }
}

TEST_CASE("a secret's failures name the source") {
  FakeEnvironment fake;
  fake.variables["EMPTY"] = "";
  fake.files["empty"] = {"\n", {}, false};
  fake.files["big"] = {{}, "larger than the limit of 65536 bytes", false};
  CHECK(problems_of(with_user("password_env: UNSET"), fake) ==
        Lines{"f:2: users.u.password_env: the environment variable UNSET is not set"});
  CHECK(problems_of(with_user("password_env: app_password"), fake) ==
        Lines{"f:2: users.u.password_env: the environment variable app_password is not set"});
  CHECK(problems_of(with_user("password_env: app"), fake) ==
        Lines{"f:2: users.u.password_env: the environment variable of this name is not set (the name is not "
              "shown: it may be the password itself, unless it is in capitals)"});
  CHECK(problems_of(with_user("password_env: EMPTY"), fake) ==
        Lines{"f:2: users.u.password_env: the password is empty"});
  CHECK(problems_of(with_user("password_file: empty"), fake) ==
        Lines{"f:2: users.u.password_file: the password is empty"});
  CHECK(problems_of(with_user("password_file: big"), fake) ==
        Lines{"f:2: users.u.password_file: cannot read the file of this name in .: larger than the limit of "
              "65536 bytes"});
  CHECK(problems_of(with_user("password_file: /run/secrets/app"), fake) ==
        Lines{"f:2: users.u.password_file: cannot read /run/secrets/app: No such file or directory"});
  CHECK(problems_of(with_user("password: ''"), fake) == Lines{"f:2: users.u.password: is empty"});
  CHECK(problems_of(with_user("password: \"a\\0b\""), fake) ==
        Lines{"f:2: users.u.password: the password contains a NUL byte"});
  CHECK(problems_of(with_user("password_env: \"A\\0b\""), fake) ==
        Lines{"f:2: users.u.password_env: is not the name of a variable"});
}

TEST_CASE("a difference shows that a secret changed, not what it is") {
  const LoadResult from = load(with_user("password: hunter2"));
  const LoadResult to = load(with_user("password: hunter3"));
  const auto changes = diff(*from.settings, *to.settings);
  REQUIRE(changes.size() == 1);
  CHECK(to_string(changes[0]) == "users.u.password: *** -> ***");
}
