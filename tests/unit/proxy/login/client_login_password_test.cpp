// Logins of users who are not in the file: they tell their password, and the server judges it.
#include <catch2/catch.hpp>

#include "protocol/authentication.hpp"
#include "protocol/startup.hpp"
#include "proxy/login/client_login.hpp"
#include "tests/unit/proxy/login_script.hpp"

using namespace pgweir;
using namespace pgweir::test;
using Step = ClientLogin::Step;

namespace {

SnapshotRef snapshot() {
  auto settings = std::make_shared<config::Settings>();
  settings->listen.auth =
      GENERATE(config::AuthMethod::scram_sha_256, config::AuthMethod::md5, config::AuthMethod::trust);
  settings->listen.tls.mode = config::TlsMode::prefer;
  settings->users["listed"] = {"listed", config::Secret("right")};
  settings->databases["db"].name = "db";
  settings->databases["db"].pass_through.users = {"guest*"};
  TlsFiles tls;
  tls.listen = std::make_shared<TlsServerContext>();
  return make_snapshot(settings, nullptr, tls);
}

struct PasswordClient {
  explicit PasswordClient(bool bytewise = false, bool encrypted = true)
      : login(snapshot()), feeder(login, bytewise) {
    if (encrypted) login.tls_started();
  }

  Step start(std::string_view user, std::string_view database = "db",
             const std::vector<StartupParameter>& parameters = {}) {
    ByteBuffer out;
    write_startup_message(out, 0, user, database, parameters);
    return feeder.receive(out);
  }
  Step tell(std::string_view password) {
    ByteBuffer out;
    write_password_message(out, password);
    return feeder.receive(out);
  }
  AuthenticationKind asked() {
    const std::vector<Message> all = messages(feeder.sent());
    REQUIRE(all.size() == 1);
    AuthenticationRequest parsed;
    REQUIRE(parse_authentication(all[0].body, parsed) == Errc::ok);
    return parsed.kind;
  }

  ClientLogin login;
  Feeder<ClientLogin> feeder;
};

}  // namespace

TEST_CASE("a user who passes through tells its password, which is handed out to be judged") {
  PasswordClient client(GENERATE(false, true));
  REQUIRE(client.start("guest1", "db", {{"search_path", "x"}}) == Step::need_bytes);
  CHECK(client.asked() == AuthenticationKind::cleartext_password);
  const std::string password(GENERATE(1, 4'096, 60'000), 'x');
  REQUIRE(client.tell(password) == Step::prove_password);
  CHECK(client.login.password().reveal() == password);
  CHECK(client.login.settings().empty());
  CHECK(client.feeder.sent().empty());
  SECTION("right") {
    CHECK(client.login.password_judged(true) == Step::authenticated);
    CHECK(client.login.settings() == SettingMap{{"search_path", "x"}});
    CHECK(client.login.judged_by_server());
    CHECK(client.login.by_password());
  }
  SECTION("wrong") {
    CHECK(client.login.password_judged(false) == Step::refused);
    CHECK(client.login.reason() == Reason::authentication_failed);
    CHECK(client.login.message() == "password authentication failed for user \"guest1\"");
    CHECK(client.login.settings().empty());
  }
  CHECK(client.login.password().empty());
}

TEST_CASE("in plain text nobody is asked for it") {
  PasswordClient client(false, false);
  CHECK(client.start("guest1") == Step::refused);
  CHECK(client.login.reason() == Reason::tls_required);
  CHECK(client.feeder.sent().empty());
}

TEST_CASE("who is in no pattern, in another database or in the file is not asked for it") {
  const auto [user, database] = GENERATE(std::pair{"visitor", "db"}, std::pair{"guest1", "other"},
                                         std::pair{"listed", "db"}, std::pair{"guest1", "pgweir"});
  PasswordClient client;
  const Step step = client.start(user, database);
  CHECK_FALSE(client.login.judged_by_server());
  if (step == Step::need_bytes) CHECK(client.asked() != AuthenticationKind::cleartext_password);
}

TEST_CASE("another message in place of the password ends the login") {
  PasswordClient client;
  REQUIRE(client.start("guest1") == Step::need_bytes);
  ByteBuffer query;
  Writer(query).begin_message('Q').cstring("select 1").end_message();
  CHECK(client.feeder.receive(query) == Step::refused);
  CHECK(client.login.reason() == Reason::protocol_violation);
}

TEST_CASE("a password message without its end, or longer than any, is refused") {
  PasswordClient client;
  REQUIRE(client.start("guest1") == Step::need_bytes);
  ByteBuffer message;
  const bool endless = GENERATE(false, true);
  if (endless) {
    Writer(message).u8('p').u32(authentication_message_max + 1);
  } else {
    Writer(message).begin_message('p').text("no terminator").end_message();
  }
  CHECK(client.feeder.receive(message) == Step::refused);
  CHECK(client.login.reason() == Reason::protocol_violation);
}

TEST_CASE("a role that the server would not let in is told what a wrong password is told") {
  PasswordClient client;
  REQUIRE(client.start("guest1") == Step::need_bytes);
  REQUIRE(client.tell("p") == Step::prove_password);
  REQUIRE(client.login.password_judged(true) == Step::authenticated);
  CHECK(client.login.role_refused() == Step::refused);
  CHECK(client.login.message() == "password authentication failed for user \"guest1\"");
}
