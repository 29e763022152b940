#include "proxy/login/client_login.hpp"

#include <catch2/catch.hpp>

#include "protocol/md5_password.hpp"
#include "tests/unit/proxy/login_script.hpp"

using namespace pgweir;
using namespace pgweir::test;
using Step = ClientLogin::Step;

namespace {

SnapshotRef snapshot(config::AuthMethod method) {
  const auto make = [](config::AuthMethod auth) {
    auto settings = std::make_shared<config::Settings>();
    settings->listen.auth = auth;
    settings->users["app"] = {"app", config::Secret("right")};
    return make_snapshot(settings, nullptr);
  };
  static const SnapshotRef scram = make(config::AuthMethod::scram_sha_256);
  static const SnapshotRef md5 = make(config::AuthMethod::md5);
  static const SnapshotRef trust = make(config::AuthMethod::trust);
  if (method == config::AuthMethod::md5) return md5;
  return method == config::AuthMethod::trust ? trust : scram;
}

using Parameters = std::vector<StartupParameter>;

ByteBuffer startup(std::string_view user, const Parameters& parameters = {}, std::uint16_t minor = 0) {
  ByteBuffer out;
  write_startup_message(out, minor, user, "db", parameters);
  return out;
}

ByteBuffer request(std::uint32_t code) {
  ByteBuffer out;
  Writer(out).begin_untyped().u32(code).end_message();
  return out;
}
ByteBuffer ssl_request() {
  return request(80877103);
}
ByteBuffer gss_request() {
  return request(80877104);
}

// Everything that a client does to log in, with the steps it saw.
struct Client {
  Client(config::AuthMethod method, bool bytewise) : login(snapshot(method)), feeder(login, bytewise) {}

  AuthenticationRequest authentication() {
    const ByteBuffer bytes = feeder.sent();
    const std::vector<Message> all = messages(bytes);
    REQUIRE(all.size() == 1);
    REQUIRE(all[0].type == 'R');
    trace.emplace_back(all[0].type, all[0].body.size());
    kept_ = all[0].body;
    AuthenticationRequest parsed;
    REQUIRE(parse_authentication(kept_, parsed) == Errc::ok);
    return parsed;
  }

  // A whole SCRAM exchange after the StartupMessage.
  Step scram(std::string_view password) {
    REQUIRE(authentication().offers(scram_sha_256));
    ByteBuffer first;
    REQUIRE(scram_client.client_first(first) == Errc::ok);
    ByteBuffer out;
    write_sasl_initial_response(out, scram_sha_256, first);
    REQUIRE(feeder.receive(out) == Step::need_bytes);
    const AuthenticationRequest challenge = authentication();
    REQUIRE(challenge.kind == AuthenticationKind::sasl_continue);
    REQUIRE(scram_client.server_first(challenge.data) == Errc::ok);
    ScramKeys keys;
    REQUIRE(derive_scram_keys(password, scram_client.salt(), scram_client.iterations(), keys) == Errc::ok);
    ByteBuffer proof;
    REQUIRE(scram_client.client_final(keys, proof) == Errc::ok);
    out.clear();
    write_sasl_response(out, proof);
    return feeder.receive(out);
  }

  Step md5(std::string_view user, std::string_view password) {
    const AuthenticationRequest asked = authentication();
    REQUIRE(asked.kind == AuthenticationKind::md5_password);
    std::string hash;
    std::string response;
    REQUIRE(md5_hash(password, user, hash) == Errc::ok);
    REQUIRE(md5_response(hash, asked.salt, response) == Errc::ok);
    ByteBuffer out;
    write_password_message(out, response);
    return feeder.receive(out);
  }

  ClientLogin login;
  Feeder<ClientLogin> feeder;
  ScramClient scram_client;
  std::vector<std::pair<char, std::size_t>> trace;  // type and size of what it was sent

 private:
  ByteBuffer kept_;
};

constexpr auto scram = config::AuthMethod::scram_sha_256;
constexpr auto md5 = config::AuthMethod::md5;
constexpr auto trust = config::AuthMethod::trust;

}  // namespace

TEST_CASE("a client with the right password logs in by SCRAM, and the server proves itself too") {
  const bool bytewise = GENERATE(false, true);
  Client client(scram, bytewise);
  REQUIRE(client.feeder.receive(startup("app", {{"TimeZone", "UTC"}})) == Step::need_bytes);
  REQUIRE(client.scram("right") == Step::authenticated);
  const AuthenticationRequest final = client.authentication();
  CHECK(final.kind == AuthenticationKind::sasl_final);
  CHECK(client.scram_client.server_final(final.data) == Errc::ok);
  CHECK(client.login.startup().user == "app");
  CHECK(client.login.startup().database == "db");
  CHECK(client.login.settings() == SettingMap{{"timezone", "UTC"}});
  CHECK(client.feeder.input().empty());
}

TEST_CASE("an unknown user takes the same steps as a wrong password and is told the same") {
  const bool bytewise = GENERATE(false, true);
  Client known(scram, bytewise);
  Client unknown(scram, bytewise);
  REQUIRE(known.feeder.receive(startup("app")) == Step::need_bytes);
  REQUIRE(unknown.feeder.receive(startup("who")) == Step::need_bytes);
  CHECK(known.scram("wrong") == Step::refused);
  CHECK(unknown.scram("wrong") == Step::refused);
  CHECK(known.trace == unknown.trace);
  CHECK(known.feeder.sent().empty());
  CHECK(unknown.feeder.sent().empty());
  CHECK(known.login.reason() == Reason::authentication_failed);
  CHECK(unknown.login.reason() == Reason::authentication_failed);
  CHECK(known.login.message() == "password authentication failed for user \"app\"");
  CHECK(unknown.login.message() == "password authentication failed for user \"who\"");
  CHECK(known.scram_client.iterations() == unknown.scram_client.iterations());
}

TEST_CASE("an unknown user has the same salt each time, as a known one has") {
  const char* const user = GENERATE("app", "who");
  ByteBuffer salts[2];
  for (ByteBuffer& salt : salts) {
    Client client(scram, false);
    REQUIRE(client.feeder.receive(startup(user)) == Step::need_bytes);
    REQUIRE(client.scram("wrong") == Step::refused);
    salt.assign(client.scram_client.salt().begin(), client.scram_client.salt().end());
  }
  CHECK(salts[0] == salts[1]);
  CHECK(salts[0].size() == scram_salt_size);
}

TEST_CASE("md5 lets the right password in, and tells a wrong one and an unknown user the same") {
  const bool bytewise = GENERATE(false, true);
  Client right(md5, bytewise);
  REQUIRE(right.feeder.receive(startup("app")) == Step::need_bytes);
  CHECK(right.md5("app", "right") == Step::authenticated);
  Client wrong(md5, bytewise);
  REQUIRE(wrong.feeder.receive(startup("app")) == Step::need_bytes);
  CHECK(wrong.md5("app", "wrong") == Step::refused);
  Client unknown(md5, bytewise);
  REQUIRE(unknown.feeder.receive(startup("who")) == Step::need_bytes);
  CHECK(unknown.md5("who", "right") == Step::refused);
  CHECK(wrong.trace == unknown.trace);
  CHECK(wrong.login.reason() == unknown.login.reason());
  CHECK(unknown.login.message() == "password authentication failed for user \"who\"");
}

TEST_CASE("an unknown user's md5 hash is computed with like any other") {
  CHECK(is_md5_hash(snapshot(md5)->credential("app").md5));
  CHECK(is_md5_hash(snapshot(md5)->credential("who").md5));
}

TEST_CASE("trust asks known users nothing and lets no other in") {
  Client known(trust, true);
  CHECK(known.feeder.receive(startup("app")) == Step::authenticated);
  CHECK(known.feeder.sent().empty());
  Client unknown(trust, true);
  CHECK(unknown.feeder.receive(startup("who")) == Step::refused);
  CHECK(unknown.login.reason() == Reason::authentication_failed);
}

TEST_CASE("both encryption requests are answered with N, in either order, once each") {
  const bool bytewise = GENERATE(false, true);
  const bool ssl_first = GENERATE(false, true);
  Client client(trust, bytewise);
  const ByteBuffer first = ssl_first ? ssl_request() : gss_request();
  const ByteBuffer second = ssl_first ? gss_request() : ssl_request();
  CHECK(client.feeder.receive(first) == Step::need_bytes);
  CHECK(client.feeder.sent() == ByteBuffer{'N'});
  CHECK(client.feeder.receive(second) == Step::need_bytes);
  CHECK(client.feeder.sent() == ByteBuffer{'N'});
  SECTION("then the login") {
    CHECK(client.feeder.receive(startup("app")) == Step::authenticated);
  }
  SECTION("not a third time") {
    CHECK(client.feeder.receive(first) == Step::refused);
    CHECK(client.login.reason() == Reason::bad_startup);
    CHECK(client.feeder.sent().empty());
  }
}

TEST_CASE("a TLS hello is refused at its first byte") {
  Client client(scram, false);
  CHECK(client.feeder.receive(ByteBuffer{0x16}) == Step::refused);
  CHECK(client.login.reason() == Reason::bad_startup);
}

TEST_CASE("a cancel request brings its key and nothing else happens") {
  const bool bytewise = GENERATE(false, true);
  Client client(scram, bytewise);
  ByteBuffer out;
  write_cancel_request(out, 77, ByteBuffer{1, 2, 3, 4});
  CHECK(client.feeder.receive(out) == Step::cancel);
  CHECK(client.login.cancel_request().pid == 77);
  CHECK(client.login.cancel_request().secret == ByteBuffer{1, 2, 3, 4});
  CHECK(client.feeder.sent().empty());
}

TEST_CASE("startup packets that are refused") {
  struct Case {
    const char* name;
    ByteBuffer packet;
    Reason reason;
  };
  ByteBuffer version2;
  Writer(version2).begin_untyped().u32(2 << 16).u8(0).end_message();
  ByteBuffer no_user;
  Writer(no_user).begin_untyped().u32(3 << 16).u8(0).end_message();
  const std::vector<Case> cases = {
      {"an old protocol", version2, Reason::not_supported},
      {"no user", no_user, Reason::bad_startup},
      {"a duplicate", startup("app", {{"a.b", "1"}, {"a.b", "2"}}), Reason::bad_startup},
      {"a duplicate in another case", startup("app", {{"TimeZone", "a"}, {"timezone", "b"}}),
       Reason::bad_startup},
      {"a second user", startup("app", {{"user", "root"}}), Reason::bad_startup},
      {"too long", startup("app", {{"a.b", std::string(10'000, 'x')}}), Reason::bad_startup},
      {"replication", startup("app", {{"replication", "database"}}), Reason::not_supported},
      {"options that PostgreSQL refuses", startup("app", {{"options", "-x"}}), Reason::bad_startup},
  };
  for (const Case& c : cases) {
    for (const bool bytewise : {false, true}) {
      INFO(c.name << (bytewise ? ", byte by byte" : ""));
      Client client(trust, bytewise);
      CHECK(client.feeder.receive(c.packet) == Step::refused);
      CHECK(client.login.reason() == c.reason);
      CHECK_FALSE(client.login.message().empty());
    }
  }
}

TEST_CASE("what a client may not have is refused only after its password was right") {
  const Parameters parameters = GENERATE(Parameters{{"replication", "on"}}, Parameters{{"options", "-x"}});
  Client wrong(scram, false);
  REQUIRE(wrong.feeder.receive(startup("app", parameters)) == Step::need_bytes);
  CHECK(wrong.scram("wrong") == Step::refused);
  CHECK(wrong.login.reason() == Reason::authentication_failed);
  Client right(scram, false);
  REQUIRE(right.feeder.receive(startup("app", parameters)) == Step::need_bytes);
  CHECK(right.scram("right") == Step::refused);
  CHECK(right.login.reason() != Reason::authentication_failed);
}

TEST_CASE("options are settings, and a parameter of the same name wins over them") {
  Client client(trust, true);
  const Parameters parameters = {{"Work_Mem", "2MB"},
                                 {"options", "-c work_mem=1MB --search-path=a\\ b -c geqo=off -cgeqo=on"}};
  REQUIRE(client.feeder.receive(startup("app", parameters)) == Step::authenticated);
  CHECK(client.login.settings() == SettingMap{{"geqo", "on"}, {"search_path", "a b"}, {"work_mem", "2MB"}});
}

TEST_CASE("a newer minor protocol and unknown protocol options are negotiated down before anything else") {
  Client client(scram, false);
  REQUIRE(client.feeder.receive(startup("app", {{"_pq_.shiny", "1"}}, 9)) == Step::need_bytes);
  const std::vector<Message> sent = messages(client.feeder.sent());
  REQUIRE(sent.size() == 2);
  CHECK(sent[0].type == 'v');
  CHECK(sent[1].type == 'R');
  CHECK(load_u32(sent[0].body.data()) == (3U << 16 | 2));
  CHECK(client.login.settings().empty());
}

TEST_CASE("a client that sends something else than its password is refused at the first byte") {
  const config::AuthMethod method = GENERATE(scram, md5);
  Client client(method, false);
  REQUIRE(client.feeder.receive(startup("app")) == Step::need_bytes);
  const Byte type = GENERATE(Byte{'Q'}, Byte{'X'}, Byte{0});
  CHECK(client.feeder.receive(ByteBuffer{type}) == Step::refused);
  CHECK(client.login.reason() == Reason::protocol_violation);
}

TEST_CASE("a query sent right behind the startup packet is not taken for anything else") {
  Client client(scram, false);
  ByteBuffer query;
  Writer(query).begin_message('Q').cstring("select 1").end_message();
  CHECK(client.feeder.receive(startup("app") + query) == Step::refused);
  CHECK(client.login.reason() == Reason::protocol_violation);
}

TEST_CASE("malformed answers to SCRAM and md5 are protocol violations") {
  struct Case {
    const char* name;
    config::AuthMethod method;
    ByteBuffer answer;
  };
  const auto initial = [](std::string_view mechanism, std::string_view data) {
    ByteBuffer out;
    write_sasl_initial_response(out, mechanism, as_bytes(data));
    return out;
  };
  ByteBuffer no_data;
  Writer(no_data).begin_message('p').cstring(scram_sha_256).u32(0xffffffff).end_message();
  ByteBuffer lying;
  Writer(lying).begin_message('p').cstring(scram_sha_256).u32(1'000'000).text("n,,n=,r=x").end_message();
  ByteBuffer no_end;
  Writer(no_end).begin_message('p').text("md5").end_message();
  const std::vector<Case> cases = {
      {"an unknown mechanism", scram, initial("PLAIN", "x")},
      {"channel binding that was not offered", scram, initial("SCRAM-SHA-256-PLUS", "p=tls-unique,,n=,r=x")},
      {"no data", scram, no_data},
      {"a length beyond the message", scram, lying},
      {"no SCRAM", scram, initial(scram_sha_256, "hello")},
      {"an empty body", scram, ByteBuffer{'p', 0, 0, 0, 4}},
      {"an impossible length", scram, ByteBuffer{'p', 0, 0, 0, 3}},
      {"a length beyond the limit", scram, ByteBuffer{'p', 0, 1, 0, 0}},
      {"md5 without a terminator", md5, no_end},
      {"md5 without a body", md5, ByteBuffer{'p', 0, 0, 0, 4}},
  };
  for (const Case& c : cases) {
    for (const bool bytewise : {false, true}) {
      INFO(c.name << (bytewise ? ", byte by byte" : ""));
      Client client(c.method, bytewise);
      REQUIRE(client.feeder.receive(startup("app")) == Step::need_bytes);
      CHECK(client.feeder.receive(c.answer) == Step::refused);
      CHECK(client.login.reason() == Reason::protocol_violation);
    }
  }
}

TEST_CASE("a SCRAM exchange with an authorization identity is not supported") {
  Client client(scram, false);
  REQUIRE(client.feeder.receive(startup("app")) == Step::need_bytes);
  ByteBuffer out;
  write_sasl_initial_response(out, scram_sha_256, as_bytes("n,a=root,n=,r=x"));
  CHECK(client.feeder.receive(out) == Step::refused);
  CHECK(client.login.reason() == Reason::not_supported);
}
