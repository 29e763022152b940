#include <catch2/catch.hpp>

#include "protocol/scram.hpp"
#include "protocol/startup.hpp"
#include "proxy/login/client_login.hpp"
#include "tests/unit/proxy/login_script.hpp"

using namespace pgweir;
using namespace pgweir::test;
using Step = ClientLogin::Step;

namespace {

const ByteBuffer certificate(32, 0xc3);

SnapshotRef snapshot(config::TlsMode mode, const ByteBuffer& end_point = certificate) {
  auto settings = std::make_shared<config::Settings>();
  settings->listen.tls.mode = mode;
  settings->users["app"] = {"app", config::Secret("right")};
  TlsFiles files;
  auto tls = std::make_shared<TlsServerContext>();
  tls->end_point = end_point;
  if (mode != config::TlsMode::disable) files.listen = tls;
  return make_snapshot(settings, nullptr, std::move(files));
}

ByteBuffer request(std::uint32_t code) {
  ByteBuffer out;
  Writer(out).begin_untyped().u32(code).end_message();
  return out;
}
const ByteBuffer ssl_request = request(80877103);
const ByteBuffer gss_request = request(80877104);
const ByteBuffer hello{0x16, 3, 1, 2, 0, 1};

ByteBuffer startup() {
  ByteBuffer out;
  write_startup_message(out, 0, "app", "db", {});
  return out;
}

ByteBuffer initial(std::string_view mechanism, std::string_view data) {
  ByteBuffer out;
  write_sasl_initial_response(out, mechanism, as_bytes(data));
  return out;
}

struct Client {
  explicit Client(SnapshotRef with, bool bytewise = false)
      : login(std::move(with)), feeder(login, bytewise) {}
  explicit Client(config::TlsMode mode, bool bytewise = false) : Client(snapshot(mode), bytewise) {}

  // Through SSLRequest and the handshake, to the mechanisms that it is offered.
  std::string offered() {
    REQUIRE(feeder.receive(ssl_request) == Step::start_tls);
    REQUIRE(feeder.sent() == ByteBuffer{'S'});
    login.tls_started();
    REQUIRE(feeder.receive(startup()) == Step::need_bytes);
    const std::vector<Message> sent = messages(feeder.sent());
    REQUIRE(sent.size() == 1);
    return std::string(as_text(sent[0].body).substr(4));
  }

  ClientLogin login;
  Feeder<ClientLogin> feeder;
};

constexpr auto disable = config::TlsMode::disable;
constexpr auto prefer = config::TlsMode::prefer;
constexpr auto require = config::TlsMode::require;
const std::string both("SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0", 34);
const std::string without_plus("SCRAM-SHA-256\0\0", 15);

}  // namespace

TEST_CASE("SSLRequest is answered by a handshake, and then the login goes on") {
  const bool bytewise = GENERATE(false, true);
  Client client(GENERATE(prefer, require), bytewise);
  CHECK(client.offered() == both);
  CHECK_FALSE(client.login.is_direct());
}

TEST_CASE("a handshake may come without being asked for, and what was read of it is left alone") {
  Client client(prefer);
  CHECK(client.feeder.receive(hello) == Step::start_tls);
  CHECK(client.login.is_direct());
  CHECK(client.feeder.input() == hello);
  CHECK(client.feeder.sent().empty());
}

TEST_CASE("a handshake begins once, and not behind any other request") {
  SECTION("behind SSLRequest it is the session's, not the login's") {
    Client client(prefer);
    REQUIRE(client.feeder.receive(ssl_request) == Step::start_tls);
    client.login.tls_started();
    CHECK(client.feeder.receive(hello) == Step::refused);
  }
  SECTION("behind GSSENCRequest") {
    Client client(prefer);
    REQUIRE(client.feeder.receive(gss_request) == Step::need_bytes);
    CHECK(client.feeder.receive(hello) == Step::refused);
  }
  SECTION("inside of a direct one") {
    Client client(prefer);
    REQUIRE(client.feeder.receive(hello) == Step::start_tls);
    client.login.tls_started();
    CHECK(client.feeder.run() == Step::refused);
  }
}

TEST_CASE("inside TLS nothing is encrypted once more") {
  const ByteBuffer again = GENERATE(ssl_request, gss_request);
  const bool direct = GENERATE(false, true);
  Client client(prefer);
  if (direct) {
    ByteView first = ByteView(hello).first(1);
    ByteBuffer reply;
    REQUIRE(client.login.feed(first, reply) == Step::start_tls);
  } else {
    REQUIRE(client.feeder.receive(ssl_request) == Step::start_tls);
  }
  client.login.tls_started();
  CHECK(client.feeder.receive(again) == Step::refused);
  CHECK(client.login.reason() == Reason::bad_startup);
}

TEST_CASE("CVE-2021-23214: what comes with SSLRequest is refused before the handshake") {
  Client client(prefer);
  CHECK(client.feeder.receive(ssl_request + ByteBuffer{0}) == Step::refused);
  CHECK(client.login.reason() == Reason::protocol_violation);
  CHECK(client.feeder.sent().empty());
}

TEST_CASE("without TLS its mode decides who goes on") {
  for (const auto mode : {disable, prefer}) {
    Client client(mode);
    CHECK(client.feeder.receive(startup()) == Step::need_bytes);
  }
  Client client(require);
  CHECK(client.feeder.receive(startup()) == Step::refused);
  CHECK(client.login.reason() == Reason::tls_required);
  CHECK(client.feeder.sent().empty());
}

TEST_CASE("a cancel request needs no TLS") {
  Client client(require);
  ByteBuffer out;
  write_cancel_request(out, 77, ByteBuffer{1, 2, 3, 4});
  CHECK(client.feeder.receive(out) == Step::cancel);
}

TEST_CASE("a certificate that has nothing to bind to is not offered for it") {
  Client client(snapshot(prefer, {}));
  CHECK(client.offered() == without_plus);
  CHECK(client.feeder.receive(initial(scram_sha_256, "y,,n=,r=x")) == Step::need_bytes);
}

TEST_CASE("answers to the offer of channel binding") {
  struct Case {
    std::string_view mechanism, first;
    Step step;
    std::string_view sqlstate;
  };
  const Case cases[] = {
      {scram_sha_256_plus, "p=tls-server-end-point,,n=,r=x", Step::need_bytes, ""},
      {scram_sha_256, "n,,n=,r=x", Step::need_bytes, ""},
      {scram_sha_256, "y,,n=,r=x", Step::refused, "28000"},
      {scram_sha_256_plus, "y,,n=,r=x", Step::refused, "28000"},
      {scram_sha_256_plus, "n,,n=,r=x", Step::refused, ""},
      {scram_sha_256, "p=tls-server-end-point,,n=,r=x", Step::refused, ""},
      {"SCRAM-SHA-512-PLUS", "p=tls-server-end-point,,n=,r=x", Step::refused, ""},
  };
  for (const Case& c : cases) {
    INFO(c.mechanism << ' ' << c.first);
    Client client(prefer);
    REQUIRE(client.offered() == both);
    CHECK(client.feeder.receive(initial(c.mechanism, c.first)) == c.step);
    CHECK(client.login.sqlstate() == c.sqlstate);
  }
}

TEST_CASE(
    "a client that is bound to the certificate that it was shown logs in, one that is bound to another does "
    "not") {
  const bool right = GENERATE(true, false);
  Client client(prefer);
  REQUIRE(client.offered() == both);
  const ByteBuffer seen = right ? certificate : ByteBuffer(32, 1);
  ScramClient scram({}, {seen, true});
  ByteBuffer said, out;
  REQUIRE(scram.client_first(said) == Errc::ok);
  REQUIRE(client.feeder.receive(initial(scram_sha_256_plus, as_text(said))) == Step::need_bytes);
  const std::vector<Message> challenge = messages(client.feeder.sent());
  REQUIRE(scram.server_first(ByteView(challenge.at(0).body).subspan(4)) == Errc::ok);
  ScramKeys keys;
  REQUIRE(derive_scram_keys("right", scram.salt(), scram.iterations(), keys) == Errc::ok);
  said.clear();
  REQUIRE(scram.client_final(keys, said) == Errc::ok);
  write_sasl_response(out, said);
  CHECK(client.feeder.receive(out) == (right ? Step::authenticated : Step::refused));
  CHECK(client.login.sqlstate() == (right ? "" : "28000"));
  if (!right) CHECK(client.login.message() == "SCRAM channel binding check failed");
}
