#include "proxy/login/password_proofs.hpp"

#include <catch2/catch.hpp>

using namespace pgweir;
using namespace std::chrono_literals;
using Attempt = PasswordProofs::Attempt::Kind;
using Kind = PasswordVerdict::Kind;

namespace {

const TimePoint start = TimePoint() + 1h;

struct Fixture {
  PasswordDigest digest(const char* password) const {
    return proofs.digest("db", user, config::Secret(password));
  }
  PasswordProofs::Attempt begin(const char* password, std::uint64_t session = 1, TimePoint at = start,
                                std::uint32_t most = 2) {
    return proofs.begin({"db", "db", user, most, most_of_user}, digest(password), {0, session}, at);
  }

  PasswordProofs proofs;
  std::string user = "u";
  std::size_t most_of_user = 9;
};

}  // namespace

TEST_CASE("a password is known by database, user and itself, in one process only") {
  const PasswordProofs one;
  const PasswordProofs two;
  const auto digest = [](const PasswordProofs& proofs, const char* database, const char* user,
                         const std::string& password) {
    return proofs.digest(database, user, config::Secret(password));
  };
  const PasswordDigest known = digest(one, "db", "u", "p");
  CHECK(equal_in_constant_time(known, digest(one, "db", "u", "p")));
  CHECK_FALSE(equal_in_constant_time(known, digest(one, "db", "u", "P")));
  CHECK_FALSE(equal_in_constant_time(known, digest(one, "db", "v", "p")));
  CHECK_FALSE(equal_in_constant_time(known, digest(one, "dc", "u", "p")));
  CHECK_FALSE(equal_in_constant_time(known, digest(two, "db", "u", "p")));
  CHECK(digest(one, "d", "bu", "p") != digest(one, "db", "u", "p"));
  CHECK(digest(one, "db", "u", std::string(60'000, 'x')) != digest(one, "db", "u", std::string(59'999, 'x')));
}

TEST_CASE("who tells the same password waits for the same login, and all are woken") {
  Fixture f;
  const PasswordProofs::Attempt first = f.begin("p", 1);
  const PasswordProofs::Attempt second = f.begin("p", 2);
  REQUIRE(first.kind == Attempt::begun);
  CHECK(second.kind == Attempt::joined);
  CHECK(second.proof == first.proof);
  CHECK_FALSE(f.proofs.judgement(second.proof));
  const Kind kind = GENERATE(Kind::right, Kind::wrong, Kind::unknown);
  const std::vector<SessionAddress> woken = f.proofs.finish(first.proof, {kind, "m"}, start);
  REQUIRE(woken.size() == 2);
  CHECK(woken[1].session == 2);
  CHECK(f.proofs.judgement(second.proof)->kind == kind);
  CHECK(f.proofs.judgement(second.proof)->message == "m");
  CHECK(f.proofs.counts().under_way == 0);
  CHECK(f.proofs.counts().wrong == (kind == Kind::wrong ? 1 : 0));
}

TEST_CASE("a refused password is refused again for a while, another one is not") {
  Fixture f;
  f.proofs.finish(f.begin("p").proof, {Kind::wrong, ""}, start);
  CHECK(f.begin("p", 1, start + PasswordProofs::refusal_memory - 1ms).kind == Attempt::refused);
  CHECK(f.begin("q").kind == Attempt::begun);
  CHECK(f.begin("p", 1, start + PasswordProofs::refusal_memory).kind == Attempt::begun);
}

TEST_CASE("what nobody could judge, or was right, is not kept here") {
  Fixture f;
  f.proofs.finish(f.begin("p").proof, {GENERATE(Kind::right, Kind::unknown), ""}, start);
  CHECK(f.begin("p").kind == Attempt::begun);
}

TEST_CASE("there are never more under way for a database than it allows") {
  Fixture f;
  const PasswordProofs::Attempt first = f.begin("1");
  f.begin("2");
  CHECK(f.begin("3").kind == Attempt::busy);
  CHECK(f.begin("2").kind == Attempt::joined);
  CHECK(f.proofs.begin({"another", "x", "u", 2, 2}, f.digest("3"), {0, 1}, start).kind == Attempt::begun);
  f.proofs.finish(first.proof, {Kind::wrong, ""}, start);
  CHECK(f.begin("4").kind == Attempt::begun);
  CHECK(f.begin("5").kind == Attempt::busy);
}

TEST_CASE("one user's passwords do not take the places of all others") {
  Fixture f;
  f.most_of_user = 1;
  const PasswordProofs::Attempt first = f.begin("1");
  CHECK(f.begin("2").kind == Attempt::busy);
  f.user = "v";
  CHECK(f.begin("3").kind == Attempt::begun);
  f.user = "u";
  f.proofs.finish(first.proof, {Kind::unknown, ""}, start);
  CHECK(f.begin("2").kind == Attempt::begun);
}

TEST_CASE("a flood of wrong passwords holds bounded memory") {
  Fixture f;
  for (std::size_t n = 0; n < PasswordProofs::refusals_max + 10; ++n) {
    const std::string password = "p" + std::to_string(n);
    f.proofs.finish(f.begin(password.c_str()).proof, {Kind::wrong, ""}, start);
  }
  // All were forgotten once, and those since then are not.
  CHECK(f.begin("p0").kind == Attempt::begun);
  CHECK(f.begin(("p" + std::to_string(PasswordProofs::refusals_max + 5)).c_str()).kind == Attempt::refused);
}
