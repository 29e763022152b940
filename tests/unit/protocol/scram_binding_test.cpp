// SCRAM-SHA-256-PLUS: both of our roles against each other, and against messages that were tampered with.
#include "protocol/base64.hpp"
#include "protocol/scram.hpp"
#include "tests/unit/protocol/parser_support.hpp"

using namespace pgweir;

namespace {

constexpr std::string_view nonce = "rOprNGfwEbeRWgbNEkqO";
const ByteBuffer certificate(32, 0xc3);
const ByteBuffer other_certificate(32, 0x3c);

const ScramKeys& keys() {
  static const ScramKeys made = [] {
    ScramKeys out;
    REQUIRE(derive_scram_keys("pencil", ByteBuffer(16, 7), 4096, out) == Errc::ok);
    return out;
  }();
  return made;
}

const ScramVerifier& verifier() {
  static const ScramVerifier made = [] {
    ScramVerifier out;
    REQUIRE(derive_scram_verifier("pencil", ByteBuffer(16, 7), 4096, out) == Errc::ok);
    return out;
  }();
  return made;
}

struct Exchanged {
  Errc first = Errc::ok;
  Errc final = Errc::ok;
  std::string header;  // of the client's first message
};

// A whole exchange between a client and a server that know the same password.
Exchanged exchange(const ScramBinding& clients, const ScramBinding& servers) {
  ScramClient client(nonce, clients);
  ScramServer server(verifier(), {}, servers);
  Exchanged outcome;
  ByteBuffer said, answer;
  REQUIRE(client.client_first(said) == Errc::ok);
  outcome.header = std::string(as_text(said)).substr(0, as_text(said).find("n=,"));
  outcome.first = server.client_first(said, answer);
  if (outcome.first != Errc::ok) return outcome;
  REQUIRE(client.server_first(answer) == Errc::ok);
  said.clear();
  answer.clear();
  REQUIRE(client.client_final(keys(), said) == Errc::ok);
  outcome.final = server.client_final(said, answer);
  if (outcome.final == Errc::ok) CHECK(client.server_final(answer) == Errc::ok);
  return outcome;
}

Errc first(const ScramBinding& binding, std::string_view header) {
  ScramServer server(verifier(), {}, binding);
  ByteBuffer reply;
  return server.client_first(as_bytes(std::string(header) + "n=,r=x"), reply);
}

const ScramBinding plain{};
const ScramBinding unbound{certificate, false};
const ScramBinding bound{certificate, true};

}  // namespace

TEST_CASE("both ends of one channel agree that they are") {
  const Exchanged outcome = exchange(bound, bound);
  CHECK(outcome.first == Errc::ok);
  CHECK(outcome.final == Errc::ok);
  CHECK(outcome.header == "p=tls-server-end-point,,");
}

TEST_CASE("an end of another channel is found out") {
  const Exchanged outcome = exchange({other_certificate, true}, bound);
  CHECK(outcome.first == Errc::ok);
  CHECK(outcome.final == Errc::wrong_channel);
}

TEST_CASE("a client that could bind says so where it is offered nothing, and a server that can then knows") {
  CHECK(exchange(unbound, plain).header == "y,,");
  CHECK(exchange(unbound, plain).final == Errc::ok);
  CHECK(exchange(unbound, unbound).first == Errc::downgraded);
}

TEST_CASE("without TLS nobody binds") {
  CHECK(exchange(plain, plain).header == "n,,");
  CHECK(exchange(plain, plain).final == Errc::ok);
}

TEST_CASE("a client that cannot bind need not, also where it could be bound") {
  CHECK(exchange(plain, unbound).first == Errc::ok);
  CHECK(exchange(plain, unbound).final == Errc::ok);
}

TEST_CASE(
    "the header of a client's first message against what the server has offered and the client has chosen") {
  struct Case {
    std::string_view header;
    Errc in_plain_text, without_plus, with_plus;
  };
  constexpr Errc ok = Errc::ok, bad = Errc::bad_scram;
  const Case cases[] = {
      {"n,,", ok, ok, bad},
      {"y,,", ok, Errc::downgraded, Errc::downgraded},
      {"p=tls-server-end-point,,", bad, bad, ok},
      {"p=tls-unique,,", bad, bad, bad},
      {"p=tls-exporter,,", bad, bad, bad},
      {"p=,,", bad, bad, bad},
      {"p,,", bad, bad, bad},
      {"p=tls-server-end-point", bad, bad, bad},
      {"p=tls-server-end-point,", bad, bad, bad},
      {"p=TLS-SERVER-END-POINT,,", bad, bad, bad},
      {"p=tls-server-end-point,a=other,", bad, bad, Errc::unsupported},
      {"", bad, bad, bad},
      {",,", bad, bad, bad},
      {"N,,", bad, bad, bad},
  };
  for (const Case& c : cases) {
    INFO(c.header);
    CHECK(first(plain, c.header) == c.in_plain_text);
    CHECK(first(unbound, c.header) == c.without_plus);
    CHECK(first(bound, c.header) == c.with_plus);
  }
}

TEST_CASE("the data of a binding must be the certificate's hash, all of it and nothing else") {
  const std::string header = "p=tls-server-end-point,,";
  const auto judged = [&](const ByteBuffer& data) {
    ScramServer server(verifier(), "server", bound);
    ByteBuffer reply;
    REQUIRE(server.client_first(as_bytes(header + "n=,r=client"), reply) == Errc::ok);
    ByteBuffer input(header.begin(), header.end());
    input.insert(input.end(), data.begin(), data.end());
    std::string final = "c=";
    append_base64(input, final);
    final += ",r=clientserver,p=";
    append_base64(ByteBuffer(32, 1), final);
    reply.clear();
    return server.client_final(as_bytes(final), reply);
  };
  ByteBuffer shorter(certificate.begin(), certificate.end() - 1);
  ByteBuffer longer = certificate;
  longer.push_back(0);
  ByteBuffer changed = certificate;
  changed.back() ^= 1;
  CHECK(judged(certificate) == Errc::authentication_failed);  // the proof, which comes after it
  for (const ByteBuffer& wrong : {ByteBuffer{}, shorter, longer, changed, other_certificate})
    CHECK(judged(wrong) == Errc::wrong_channel);
}
