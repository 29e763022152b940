#include "proxy/backend/backend_login.hpp"

#include <catch2/catch.hpp>

#include "protocol/error_response.hpp"
#include "protocol/md5_password.hpp"
#include "protocol/startup.hpp"
#include "tests/unit/proxy/login_script.hpp"

using namespace pgweir;
using namespace pgweir::test;
using BackendStep = BackendLogin::Step;

namespace {

constexpr std::string_view mechanisms[] = {scram_sha_256};

ByteBuffer ok() {
  ByteBuffer out;
  write_authentication_ok(out);
  return out;
}

// What a server says once it has let somebody in.
ByteBuffer greeting() {
  ByteBuffer out;
  write_parameter_status(out, "server_version", "15.1");
  write_parameter_status(out, "TimeZone", "UTC");
  write_backend_key_data(out, 4711, ByteBuffer{9, 8, 7, 6});
  write_ready_for_query(out, 'I');
  return out;
}

ByteBuffer raw(char type, std::string_view body) {
  ByteBuffer out;
  Writer(out).begin_message(type).text(body).end_message();
  return out;
}

ByteBuffer authentication(std::uint32_t kind) {
  ByteBuffer out;
  Writer(out).begin_message('R').u32(kind).end_message();
  return out;
}

ByteBuffer sasl() {
  ByteBuffer out;
  write_authentication_sasl(out, mechanisms);
  return out;
}

ByteBuffer error(std::string_view code, std::string_view message) {
  ByteBuffer out;
  write_error_response(out, {.severity = "FATAL", .code = code, .message = message});
  return out;
}

// A server with one user, and our login to it.
struct Fixture {
  explicit Fixture(bool bytewise = false, std::string_view server_password = "secret")
      : server(verifier(server_password)), feeder(login, bytewise) {}

  static ScramVerifier verifier(std::string_view password) {
    ScramVerifier made;
    REQUIRE(derive_scram_verifier(password, ByteBuffer(16, 5), 4096, made) == Errc::ok);
    return made;
  }

  ByteBuffer answer() {
    const std::vector<Message> sent = messages(feeder.sent());
    REQUIRE(sent.size() == 1);
    REQUIRE(sent[0].type == 'p');
    return sent[0].body;
  }

  // Up to the moment when the keys are needed.
  BackendStep challenge() {
    REQUIRE(feeder.receive(sasl()) == BackendStep::need_bytes);
    const ByteBuffer body = answer();
    SaslInitialResponse initial;
    REQUIRE(parse_sasl_initial_response(body, initial) == Errc::ok);
    REQUIRE(initial.mechanism == scram_sha_256);
    ByteBuffer first;
    REQUIRE(server.client_first(initial.data, first) == Errc::ok);
    ByteBuffer out;
    write_authentication_sasl_continue(out, first);
    return feeder.receive(out);
  }

  // Our proof, and the server's final message.
  Errc prove(ByteBuffer& final) {
    ScramKeys keys;
    REQUIRE(derive_scram_keys("secret", login.salt(), login.iterations(), keys) == Errc::ok);
    ByteBuffer out;
    REQUIRE(login.use_keys(keys, out) == BackendStep::send);
    const std::vector<Message> sent = messages(out);
    REQUIRE(sent.size() == 1);
    REQUIRE(sent[0].type == 'p');
    ByteBuffer signature;
    const Errc result = server.client_final(sent[0].body, signature);
    if (result == Errc::ok) write_authentication_sasl_final(final, signature);
    return result;
  }

  void check_refused(BackendStep step, std::string_view sqlstate = "") {
    CHECK(step == BackendStep::refused);
    CHECK(login.refusal().sqlstate == sqlstate);
    CHECK_FALSE(login.refusal().message.empty());
    CHECK(login.refusal().message.find("secret") == std::string::npos);
  }

  BackendLogin login{"app", "secret"};
  ScramServer server;
  Feeder<BackendLogin> feeder;
};

}  // namespace

TEST_CASE("we log in by SCRAM and learn the parameters and the cancel key") {
  Fixture f(GENERATE(false, true));
  REQUIRE(f.challenge() == BackendStep::need_keys);
  CHECK(f.login.iterations() == 4096);
  ByteBuffer final;
  REQUIRE(f.prove(final) == Errc::ok);
  REQUIRE(f.feeder.receive(final + ok() + greeting()) == BackendStep::ready);
  CHECK(f.login.pid() == 4711);
  CHECK(f.login.cancel_secret() == ByteBuffer{9, 8, 7, 6});
  CHECK(f.login.take_parameters() == SettingMap{{"TimeZone", "UTC"}, {"server_version", "15.1"}});
  CHECK(f.feeder.input().empty());
}

TEST_CASE("SCRAM is bound to the channel exactly when there is one and the server can") {
  struct Case {
    const char* name;
    ByteBuffer end_point;
    std::vector<std::string_view> offered;
    std::string_view chosen, header;
  };
  const ByteBuffer certificate(32, 0xc3);
  const Case cases[] = {
      {"plain text", {}, {scram_sha_256}, scram_sha_256, "n,,"},
      {"a server that offers in plain text what it cannot do",
       {},
       {scram_sha_256_plus, scram_sha_256},
       scram_sha_256,
       "n,,"},
      {"TLS, both can",
       certificate,
       {scram_sha_256_plus, scram_sha_256},
       scram_sha_256_plus,
       "p=tls-server-end-point,,"},
      {"in another order",
       certificate,
       {scram_sha_256, scram_sha_256_plus},
       scram_sha_256_plus,
       "p=tls-server-end-point,,"},
      {"TLS, somebody took it off the list", certificate, {scram_sha_256}, scram_sha_256, "y,,"},
      {"TLS, nothing else is offered",
       certificate,
       {scram_sha_256_plus},
       scram_sha_256_plus,
       "p=tls-server-end-point,,"},
  };
  for (const Case& c : cases) {
    INFO(c.name);
    Fixture f;
    f.login.bind_to(c.end_point);
    ByteBuffer offer;
    write_authentication_sasl(offer, c.offered);
    REQUIRE(f.feeder.receive(offer) == BackendStep::need_bytes);
    const ByteBuffer body = f.answer();
    SaslInitialResponse initial;
    REQUIRE(parse_sasl_initial_response(body, initial) == Errc::ok);
    CHECK(initial.mechanism == c.chosen);
    CHECK(as_text(initial.data).starts_with(c.header));
  }
}

TEST_CASE("without TLS a server that can only bind is refused") {
  Fixture f;
  ByteBuffer offer;
  const std::string_view only[] = {scram_sha_256_plus};
  write_authentication_sasl(offer, only);
  f.check_refused(f.feeder.receive(offer));
}

TEST_CASE("what follows the first ReadyForQuery is left in the input") {
  Fixture f(GENERATE(false, true));
  const ByteBuffer more = raw('N', std::string_view("\0", 1));
  REQUIRE(f.feeder.receive(ok() + greeting() + more) == BackendStep::ready);
  CHECK(f.feeder.input() == more);
}

TEST_CASE("a server that asks for nothing lets us in") {
  Fixture f(GENERATE(false, true));
  CHECK(f.feeder.receive(ok() + greeting()) == BackendStep::ready);
}

TEST_CASE("we answer md5, once") {
  Fixture f(GENERATE(false, true));
  const Md5Salt salt = {1, 2, 3, 4};
  ByteBuffer asked;
  write_authentication_md5(asked, salt);
  REQUIRE(f.feeder.receive(asked) == BackendStep::need_bytes);
  const ByteBuffer body = f.answer();
  std::string_view response;
  REQUIRE(parse_password_message(body, response) == Errc::ok);
  std::string hash;
  REQUIRE(md5_hash("secret", "app", hash) == Errc::ok);
  CHECK(check_md5_response(response, hash, salt) == Errc::ok);
  SECTION("and are let in") {
    CHECK(f.feeder.receive(ok() + greeting()) == BackendStep::ready);
  }
  SECTION("not twice") {
    f.check_refused(f.feeder.receive(asked));
  }
  SECTION("nor SCRAM behind it") {
    f.check_refused(f.feeder.receive(sasl()));
  }
}

TEST_CASE("the password is not sent in clear text unless that is permitted") {
  Fixture f(GENERATE(false, true));
  SECTION("not permitted") {
    f.check_refused(f.feeder.receive(authentication(3)));
    CHECK(f.feeder.sent().empty());
  }
  SECTION("permitted, once") {
    f.login.permit(GENERATE(BackendLogin::Cleartext::yes, BackendLogin::Cleartext::only));
    REQUIRE(f.feeder.receive(authentication(3)) == BackendStep::need_bytes);
    const ByteBuffer body = f.answer();
    CHECK(as_text(body) == std::string_view("secret\0", 7));
    SECTION("and we are let in") {
      CHECK(f.feeder.receive(ok() + greeting()) == BackendStep::ready);
    }
    SECTION("not twice") {
      f.check_refused(f.feeder.receive(authentication(3)));
    }
    SECTION("nor anything else behind it") {
      f.check_refused(f.feeder.receive(sasl()));
    }
  }
}

TEST_CASE("a token is told in no other way than in clear text") {
  Fixture f;
  f.login.permit(BackendLogin::Cleartext::only);
  ByteBuffer md5;
  write_authentication_md5(md5, {1, 2, 3, 4});
  const bool by_md5 = GENERATE(false, true);
  f.check_refused(f.feeder.receive(by_md5 ? md5 : sasl()));
  CHECK(f.feeder.sent().empty());
}

TEST_CASE("a server that lets us in before SCRAM is finished does not know the password") {
  const bool bytewise = GENERATE(false, true);
  SECTION("before the challenge") {
    Fixture f(bytewise);
    REQUIRE(f.feeder.receive(sasl()) == BackendStep::need_bytes);
    f.check_refused(f.feeder.receive(ok()));
  }
  SECTION("after our proof, without its own") {
    Fixture f(bytewise);
    REQUIRE(f.challenge() == BackendStep::need_keys);
    ByteBuffer final;
    REQUIRE(f.prove(final) == Errc::ok);
    f.check_refused(f.feeder.receive(ok() + greeting()));
  }
  SECTION("with a signature of another password") {
    Fixture f(bytewise, "another");
    REQUIRE(f.challenge() == BackendStep::need_keys);
    ByteBuffer none;
    REQUIRE(f.prove(none) == Errc::authentication_failed);
    ByteBuffer final;
    write_authentication_sasl_final(final, as_bytes("v=" + std::string(43, 'A') + "="));
    f.check_refused(f.feeder.receive(final + ok() + greeting()));
  }
  SECTION("by changing to md5 in the middle") {
    Fixture f(bytewise);
    REQUIRE(f.feeder.receive(sasl()) == BackendStep::need_bytes);
    f.feeder.sent();
    ByteBuffer asked;
    write_authentication_md5(asked, {1, 2, 3, 4});
    f.check_refused(f.feeder.receive(asked));
    CHECK(f.feeder.sent().empty());
  }
}

TEST_CASE("a server cannot ask for anything after it has let us in") {
  Fixture f;
  REQUIRE(f.feeder.receive(ok()) == BackendStep::need_bytes);
  ByteBuffer asked;
  write_authentication_md5(asked, {});
  SECTION("md5") {
    f.check_refused(f.feeder.receive(asked));
  }
  SECTION("SCRAM") {
    f.check_refused(f.feeder.receive(sasl()));
  }
  SECTION("a second Ok") {
    f.check_refused(f.feeder.receive(ok()));
  }
  CHECK(f.feeder.sent().empty());
}

TEST_CASE("a SCRAM challenge that nobody began, or that is not ours, is refused") {
  ByteBuffer challenge;
  write_authentication_sasl_continue(challenge, as_bytes("r=other,s=AAAA,i=4096"));
  ByteBuffer final;
  write_authentication_sasl_final(final, as_bytes("v=" + std::string(43, 'A') + "="));
  SECTION("a challenge at once") {
    Fixture f;
    f.check_refused(f.feeder.receive(challenge));
  }
  SECTION("an end at once") {
    Fixture f;
    f.check_refused(f.feeder.receive(final));
  }
  SECTION("another's nonce") {
    Fixture f;
    REQUIRE(f.feeder.receive(sasl()) == BackendStep::need_bytes);
    f.check_refused(f.feeder.receive(challenge));
  }
}

TEST_CASE("errors of the server are passed on, and known to be permanent or not") {
  struct Case {
    const char* sqlstate;
    bool permanent;
  };
  const auto c = GENERATE(values<Case>({
      {"28P01", true},   // wrong password
      {"28000", true},   // no entry in pg_hba.conf
      {"3D000", true},   // no such database
      {"42501", true},   // no CONNECT privilege
      {"57P03", false},  // starting up
      {"53300", false},  // too many connections
      {"57P01", false},
      {"XX000", false},
  }));
  INFO(c.sqlstate);
  Fixture f(GENERATE(false, true));
  f.check_refused(f.feeder.receive(error(c.sqlstate, "no")), c.sqlstate);
  CHECK(f.login.refusal().message == "no");
  CHECK(f.login.refusal().permanent == c.permanent);
}

TEST_CASE("an error of the server after it has let us in is a refusal too") {
  Fixture f;
  f.check_refused(f.feeder.receive(ok() + error("53300", "too many")), "53300");
}

TEST_CASE("notices and negotiations while logging in are read over") {
  Fixture f(GENERATE(false, true));
  ByteBuffer notice;
  write_notice_response(notice, {.severity = "NOTICE", .code = "00000", .message = "hello"});
  ByteBuffer negotiate;
  write_negotiate_protocol_version(negotiate, 0, {});
  CHECK(f.feeder.receive(notice + negotiate + ok() + notice + greeting()) == BackendStep::ready);
}

TEST_CASE("whatever no server says while logging in is refused") {
  struct Case {
    const char* name;
    ByteBuffer bytes;
  };
  const std::string binary_zero(1, '\0');
  ByteBuffer in_transaction;
  write_ready_for_query(in_transaction, 'T');
  ByteBuffer oversized = {'E', 0, 1, 0, 0};
  oversized.resize(65'537, 'x');
  const std::vector<Case> cases = {
      {"another protocol", ByteBuffer{'H', 'T', 'T', 'P', '/', '1', '.', '1'}},
      {"ready before authenticated", raw('Z', "I")},
      {"ready inside a transaction", ok() + in_transaction},
      {"rows", ok() + raw('D', std::string_view("\0\0", 2))},
      {"an impossible length", ByteBuffer{'R', 0, 0, 0, 3}},
      {"an Authentication without a kind", raw('R', "ab")},
      {"Kerberos", authentication(2)},
      {"GSSAPI", authentication(7)},
      {"SSPI", authentication(9)},
      {"a kind that nobody knows", authentication(99)},
      {"SASL without a mechanism that we know", raw('R', std::string_view("\0\0\0\nPLAIN\0\0", 11))},
      {"a truncated error", raw('E', "SFATAL")},
      {"an oversized error", oversized},
      {"a parameter without a value", ok() + raw('S', "name" + binary_zero)},
      {"a key without a secret", ok() + raw('K', std::string_view("\0\0\0\1", 4))},
      {"a key with a secret that is too long", ok() + raw('K', std::string(4 + 257, 'x'))},
  };
  for (const Case& c : cases) {
    for (const bool bytewise : {false, true}) {
      INFO(c.name << (bytewise ? ", byte by byte" : ""));
      Fixture f(bytewise);
      f.check_refused(f.feeder.receive(c.bytes));
    }
  }
}

TEST_CASE("a server that reports parameters without end is refused") {
  Fixture f;
  ByteBuffer out = ok();
  for (int i = 0; i < 300; ++i) write_parameter_status(out, "p" + std::to_string(i), "v");
  f.check_refused(f.feeder.receive(out));
}

TEST_CASE("a message that has no place in a login is called so, also when only its beginning is here") {
  const ByteBuffer row = raw('D', "a row that is not small");
  std::string texts[2];
  for (const bool bytewise : {false, true}) {
    Fixture f(bytewise);
    f.check_refused(f.feeder.receive(ok() + row));
    texts[bytewise ? 1 : 0] = f.login.refusal().message;
  }
  CHECK(texts[0] == texts[1]);
}
