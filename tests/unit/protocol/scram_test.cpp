#include "protocol/scram.hpp"

#include "protocol/base64.hpp"
#include "tests/unit/protocol/parser_support.hpp"

using namespace pgweir;
using test::for_each_truncation;

namespace {

// RFC 7677, section 3: user "user", password "pencil".
constexpr std::string_view rfc_client_nonce = "rOprNGfwEbeRWgbNEkqO";
constexpr std::string_view rfc_server_nonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
constexpr std::string_view rfc_client_first = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
constexpr std::string_view rfc_server_first =
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
constexpr std::string_view rfc_client_final =
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+"
    "Ute9ytag9zjfMHgsqmmiz7AndVQ=";
constexpr std::string_view rfc_server_final = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

// The same exchange with the empty name that we send, calculated with Python's hmac and hashlib.
constexpr std::string_view own_client_final =
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=qvT2SWdEH5Q06albL+"
    "hjSYuUhCG7VndFyzIb7CK4n9k=";
constexpr std::string_view own_server_final = "v=3HO6Qt1M4MKJrmlKaoOqLAI0/0TV0HZe7J9H3MBtSOg=";

// pg_authid.rolpassword of roles of a PostgreSQL 15, with passwords "pencil" and "pässwörd" (UTF-8, NFC).
constexpr std::string_view postgres_verifier =
    "SCRAM-SHA-256$4096:0lwJB5kdwfuxXwKKJcmEnw==$G7EFMe010PThxQKSNwxajb9z2b6pcGvLdtOzyk9Hi1o=:"
    "ratpacP/fvizUMw5jT68leEEsUIbAv9qMp2cc97WzSE=";
constexpr std::string_view postgres_verifier_unicode =
    "SCRAM-SHA-256$4096:C+xUhdDNLxqqNprcU3d45w==$LH12hQdhpfSvhQaKF96zzThps1Bk6hgmeZu5EnrJMIw=:"
    "4F7/jpBYFe05pXDebP0VthJ2BSC1A7jKSyRLPWe4Of0=";

ScramVerifier rfc_verifier() {
  ByteBuffer salt;
  REQUIRE(from_base64("W22ZaJ0SNY7soEsUEjb6gQ==", salt));
  ScramVerifier verifier;
  REQUIRE(derive_scram_verifier("pencil", salt, 4096, verifier) == Errc::ok);
  return verifier;
}

ScramKeys rfc_keys() {
  ByteBuffer salt;
  REQUIRE(from_base64("W22ZaJ0SNY7soEsUEjb6gQ==", salt));
  ScramKeys keys;
  REQUIRE(derive_scram_keys("pencil", salt, 4096, keys) == Errc::ok);
  return keys;
}

Errc feed_first(std::string_view client_first) {
  static const ScramVerifier verifier = rfc_verifier();
  ScramServer server(verifier, rfc_server_nonce);
  ByteBuffer reply;
  return server.client_first(as_bytes(client_first), reply);
}

// After a client-first with this gs2 header.
Errc feed_final(std::string_view client_final, std::string_view gs2_header = "n,,") {
  static const ScramVerifier verifier = rfc_verifier();
  ScramServer server(verifier, rfc_server_nonce);
  ByteBuffer reply;
  REQUIRE(server.client_first(as_bytes(std::string(gs2_header) + "n=user,r=rOprNGfwEbeRWgbNEkqO"), reply) ==
          Errc::ok);
  reply.clear();
  const Errc e = server.client_final(as_bytes(client_final), reply);
  CHECK(reply.empty() == (e != Errc::ok));
  return e;
}

ScramClient client_after_first() {
  ScramClient client(rfc_client_nonce);
  ByteBuffer out;
  REQUIRE(client.client_first(out) == Errc::ok);
  return client;
}

ScramClient client_after_final() {
  static const ScramKeys keys = rfc_keys();
  ScramClient client = client_after_first();
  ByteBuffer out;
  REQUIRE(client.server_first(as_bytes(rfc_server_first)) == Errc::ok);
  REQUIRE(client.client_final(keys, out) == Errc::ok);
  return client;
}

Errc feed_server_first(std::string_view text) {
  return client_after_first().server_first(as_bytes(text));
}

Errc feed_server_final(std::string_view text) {
  ScramClient client = client_after_final();
  const Errc e = client.server_final(as_bytes(text));
  CHECK(client.finished() == (e == Errc::ok));
  return e;
}

// A whole exchange. Returns the server's verdict.
Errc log_in(const ScramVerifier& verifier, std::string_view password) {
  ScramServer server(verifier);
  ScramClient client;
  ByteBuffer first, challenge, proof, signature;
  REQUIRE(client.client_first(first) == Errc::ok);
  REQUIRE(server.client_first(first, challenge) == Errc::ok);
  REQUIRE(client.server_first(challenge) == Errc::ok);
  ScramKeys keys;
  REQUIRE(derive_scram_keys(password, client.salt(), client.iterations(), keys) == Errc::ok);
  REQUIRE(client.client_final(keys, proof) == Errc::ok);
  const Errc verdict = server.client_final(proof, signature);
  if (verdict == Errc::ok) CHECK(client.server_final(signature) == Errc::ok);
  return verdict;
}

ScramVerifier parsed(std::string_view text) {
  ScramVerifier verifier;
  REQUIRE(parse_scram_verifier(text, verifier) == Errc::ok);
  return verifier;
}

struct Message {
  const char* name;
  std::string text;
  Errc expected;
};

const std::string nonce_text = std::string(rfc_client_nonce) + std::string(rfc_server_nonce);

}  // namespace

TEST_CASE("the server reproduces the exchange of RFC 7677") {
  ScramServer server(rfc_verifier(), rfc_server_nonce);
  ByteBuffer challenge, signature;
  REQUIRE(server.client_first(as_bytes(rfc_client_first), challenge) == Errc::ok);
  CHECK(as_text(challenge) == rfc_server_first);
  REQUIRE(server.client_final(as_bytes(rfc_client_final), signature) == Errc::ok);
  CHECK(as_text(signature) == rfc_server_final);
}

TEST_CASE("the client reproduces the exchange of RFC 7677 with an empty user name") {
  ScramClient client(rfc_client_nonce);
  ByteBuffer first, proof;
  REQUIRE(client.client_first(first) == Errc::ok);
  CHECK(as_text(first) == "n,,n=,r=rOprNGfwEbeRWgbNEkqO");
  REQUIRE(client.server_first(as_bytes(rfc_server_first)) == Errc::ok);
  CHECK(client.iterations() == 4096);
  CHECK(to_base64(client.salt()) == "W22ZaJ0SNY7soEsUEjb6gQ==");
  REQUIRE(client.client_final(rfc_keys(), proof) == Errc::ok);
  CHECK(as_text(proof) == own_client_final);
  CHECK_FALSE(client.finished());
  REQUIRE(client.server_final(as_bytes(own_server_final)) == Errc::ok);
  CHECK(client.finished());
}

TEST_CASE("verifiers that PostgreSQL stored are read, printed and satisfied") {
  for (const auto& [text, password] : {std::pair(postgres_verifier, "pencil"),
                                       std::pair(postgres_verifier_unicode, "p\xc3\xa4ssw\xc3\xb6rd")}) {
    INFO(password);
    const ScramVerifier verifier = parsed(text);
    CHECK(verifier.iterations == 4096);
    CHECK(to_string(verifier) == text);
    ScramVerifier derived;
    REQUIRE(derive_scram_verifier(password, verifier.salt, verifier.iterations, derived) == Errc::ok);
    CHECK(to_string(derived) == text);
    CHECK(log_in(verifier, password) == Errc::ok);
    CHECK(log_in(verifier, "wrong") == Errc::authentication_failed);
    CHECK(log_in(verifier, "") == Errc::authentication_failed);
  }
}

TEST_CASE("M12: a password of 4096 bytes logs in, its neighbour does not") {
  ByteBuffer salt;
  REQUIRE(random_scram_salt(salt) == Errc::ok);
  CHECK(salt.size() == scram_salt_size);
  ScramVerifier verifier;
  const std::string password(4096, 'x');
  REQUIRE(derive_scram_verifier(password, salt, 100, verifier) == Errc::ok);
  CHECK(log_in(verifier, password) == Errc::ok);
  CHECK(log_in(verifier, password + "x") == Errc::authentication_failed);
}

TEST_CASE("a finished exchange reveals the keys that log in elsewhere with the same verifier") {
  ScramServer server(rfc_verifier(), rfc_server_nonce);
  ByteBuffer reply;
  REQUIRE(server.client_first(as_bytes(rfc_client_first), reply) == Errc::ok);
  REQUIRE(server.client_final(as_bytes(rfc_client_final), reply) == Errc::ok);
  const ScramKeys expected = rfc_keys();
  CHECK(server.keys().client_key.bytes == expected.client_key.bytes);
  CHECK(server.keys().server_key.bytes == expected.server_key.bytes);
}

TEST_CASE("malformed verifiers are refused") {
  const std::string key = "G7EFMe010PThxQKSNwxajb9z2b6pcGvLdtOzyk9Hi1o=";
  const std::vector<std::pair<const char*, std::string>> cases = {
      {"empty", ""},
      {"another mechanism", "SCRAM-SHA-1$4096:AAAA$" + key + ":" + key},
      {"lower case", "scram-sha-256$4096:AAAA$" + key + ":" + key},
      {"no iterations", "SCRAM-SHA-256$:AAAA$" + key + ":" + key},
      {"iterations 0", "SCRAM-SHA-256$0:AAAA$" + key + ":" + key},
      {"iterations signed", "SCRAM-SHA-256$+1:AAAA$" + key + ":" + key},
      {"iterations above an int", "SCRAM-SHA-256$2147483648:AAAA$" + key + ":" + key},
      {"iterations wrap around", "SCRAM-SHA-256$4294967297:AAAA$" + key + ":" + key},
      {"no salt", "SCRAM-SHA-256$4096:$" + key + ":" + key},
      {"salt not base64", "SCRAM-SHA-256$4096:A*AA$" + key + ":" + key},
      {"key too short", "SCRAM-SHA-256$4096:AAAA$AAAA:" + key},
      {"server key missing", "SCRAM-SHA-256$4096:AAAA$" + key},
      {"text behind", "SCRAM-SHA-256$4096:AAAA$" + key + ":" + key + "\n"},
  };
  for (const auto& [name, text] : cases) {
    INFO(name);
    ScramVerifier verifier;
    CHECK(parse_scram_verifier(text, verifier) == Errc::bad_scram);
  }
  for_each_truncation(as_bytes(postgres_verifier), [](ByteView cut) {
    ScramVerifier verifier;
    CHECK(parse_scram_verifier(as_text(cut), verifier) == Errc::bad_scram);
  });
}

TEST_CASE("M5: an unknown user has a stable salt, the usual iterations, and no password") {
  const ByteBuffer secret(32, 0x5a);
  ScramVerifier one, again, other, other_secret;
  REQUIRE(fake_scram_verifier(secret, "ghost", 4096, one) == Errc::ok);
  REQUIRE(fake_scram_verifier(secret, "ghost", 4096, again) == Errc::ok);
  REQUIRE(fake_scram_verifier(secret, "ghosts", 4096, other) == Errc::ok);
  REQUIRE(fake_scram_verifier(ByteBuffer(32, 0x5b), "ghost", 4096, other_secret) == Errc::ok);
  CHECK(to_string(one) == to_string(again));
  CHECK(one.salt.size() == scram_salt_size);
  CHECK(one.salt != other.salt);
  CHECK(one.salt != other_secret.salt);
  CHECK(log_in(one, "anything") == Errc::authentication_failed);
}

TEST_CASE("M4: client-first messages are judged as PostgreSQL judges them") {
  const std::vector<Message> messages = {
      {"C01: plain", "n,,n=,r=abc", Errc::ok},
      {"C02: a user name, which is ignored", "n,,n=user=2Cx,r=abc", Errc::ok},
      {"C03: y, since we do not offer channel binding", "y,,n=,r=abc", Errc::ok},
      {"C04: p without TLS", "p=tls-server-end-point,,n=,r=abc", Errc::bad_scram},
      {"C05: an authorization identity", "n,a=root,n=,r=abc", Errc::unsupported},
      {"C06: an unknown flag", "x,,n=,r=abc", Errc::bad_scram},
      {"C08: an oversized nonce", "n,,n=,r=" + std::string(2000, 'a'), Errc::bad_scram},
      {"a nonce that just fits", "n,,n=,r=" + std::string(scram_client_message_max - 8, 'a'), Errc::ok},
      {"an extension behind", "n,,n=,r=abc,x=1,y=", Errc::ok},
      {"the reserved m=", "n,,m=x,n=,r=abc", Errc::unsupported},
      {"m= behind", "n,,n=,r=abc,m=x", Errc::unsupported},
      {"empty", "", Errc::bad_scram},
      {"only a header", "n,,", Errc::bad_scram},
      {"no gs2 header", "n=,r=abc", Errc::bad_scram},
      {"no name", "n,,r=abc", Errc::bad_scram},
      {"no nonce", "n,,n=", Errc::bad_scram},
      {"an empty nonce", "n,,n=,r=", Errc::bad_scram},
      {"a space in the nonce", "n,,n=,r=a c", Errc::bad_scram},
      {"a control character in the nonce", "n,,n=,r=a\x7f", Errc::bad_scram},
      {"UTF-8 in the nonce", "n,,n=,r=\xc3\xa9", Errc::bad_scram},
      {"NUL in the nonce", std::string("n,,n=,r=a\0c", 11), Errc::bad_scram},
      {"NUL in the name", std::string("n,,n=a\0,r=abc", 13), Errc::bad_scram},
      {"a comma behind", "n,,n=,r=abc,", Errc::bad_scram},
      {"order reversed", "n,,r=abc,n=", Errc::bad_scram},
  };
  for (const Message& m : messages) {
    INFO(m.name);
    CHECK(feed_first(m.text) == m.expected);
  }
}

TEST_CASE("M4: client-final messages must repeat header and nonce and prove the password") {
  const std::string proof = "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
  const std::string good(rfc_client_final);
  const std::vector<Message> messages = {
      {"right", good, Errc::ok},
      {"C09: another nonce", "c=biws,r=" + nonce_text + "x,p=" + proof, Errc::bad_scram},
      {"the client's nonce only", "c=biws,r=" + std::string(rfc_client_nonce) + ",p=" + proof,
       Errc::bad_scram},
      {"C10: no proof", "c=biws,r=" + nonce_text, Errc::bad_scram},
      {"an empty proof", "c=biws,r=" + nonce_text + ",p=", Errc::bad_scram},
      {"a short proof", "c=biws,r=" + nonce_text + ",p=AAAA", Errc::bad_scram},
      {"CVE-2026-6664: a proof longer than a key", "c=biws,r=" + nonce_text + ",p=" + std::string(800, 'A'),
       Errc::bad_scram},
      {"a proof that is not base64", "c=biws,r=" + nonce_text + ",p=!" + proof.substr(1), Errc::bad_scram},
      {"a proof with unused bits set",
       "c=biws,r=" + nonce_text + ",p=" + proof.substr(0, 42) + "R=", Errc::bad_scram},
      {"C11: a wrong proof", "c=biws,r=" + nonce_text + ",p=e" + proof.substr(1),
       Errc::authentication_failed},
      {"an unsigned extension before the proof", "c=biws,r=" + nonce_text + ",x=1,p=" + proof,
       Errc::authentication_failed},
      {"something after the proof", good + ",x=1", Errc::bad_scram},
      {"a comma after the proof", good + ",", Errc::bad_scram},
      {"the header of y", "c=eSws,r=" + nonce_text + ",p=" + proof, Errc::bad_scram},
      {"channel binding data", "c=cD10bHMtc2VydmVyLWVuZC1wb2ludCws,r=" + nonce_text + ",p=" + proof,
       Errc::bad_scram},
      {"no channel binding", "r=" + nonce_text + ",p=" + proof, Errc::bad_scram},
      {"a mandatory extension", "c=biws,r=" + nonce_text + ",m=x,p=" + proof, Errc::unsupported},
      {"empty", "", Errc::bad_scram},
      {"oversized", good + std::string(1024, 'A'), Errc::bad_scram},
  };
  for (const Message& m : messages) {
    INFO(m.name);
    CHECK(feed_final(m.text) == m.expected);
  }
  // With gs2 header "y,," the data in c= must be "y,,": a downgrade by someone in between shows here.
  CHECK(feed_final(good, "y,,") == Errc::bad_scram);
}

TEST_CASE("every truncation of a client's message is refused") {
  for_each_truncation(as_bytes(rfc_client_final),
                      [](ByteView cut) { CHECK(feed_final(as_text(cut)) != Errc::ok); });
  for_each_truncation(as_bytes(rfc_client_first), [](ByteView cut) {
    // The nonce is last and of any length, so only what stops before its second byte is malformed.
    const bool has_nonce = cut.size() > rfc_client_first.find("r=") + 2;
    CHECK(feed_first(as_text(cut)) == (has_nonce ? Errc::ok : Errc::bad_scram));
  });
}

TEST_CASE("M2, M3: server-first messages are judged strictly") {
  const std::string r = "r=" + nonce_text;
  const std::string salt = ",s=W22ZaJ0SNY7soEsUEjb6gQ==";
  const std::vector<Message> messages = {
      {"right", std::string(rfc_server_first), Errc::ok},
      {"one iteration", r + salt + ",i=1", Errc::ok},
      {"the most iterations", r + salt + ",i=100000", Errc::ok},
      {"an extension behind", r + salt + ",i=4096,x=1", Errc::ok},
      {"CVE-2026-42198: an iteration bomb", r + salt + ",i=1000000000", Errc::bad_scram},
      {"one iteration above the cap", r + salt + ",i=100001", Errc::bad_scram},
      {"iterations that wrap around", r + salt + ",i=4294971392", Errc::bad_scram},
      {"iterations of many digits", r + salt + ",i=" + std::string(400, '9'), Errc::bad_scram},
      {"no iterations", r + salt + ",i=", Errc::bad_scram},
      {"iterations 0", r + salt + ",i=0", Errc::bad_scram},
      {"iterations negative", r + salt + ",i=-4096", Errc::bad_scram},
      {"iterations with a plus", r + salt + ",i=+4096", Errc::bad_scram},
      {"iterations with a space", r + salt + ",i= 4096", Errc::bad_scram},
      {"iterations hexadecimal", r + salt + ",i=0x1000", Errc::bad_scram},
      {"iterations with a leading zero", r + salt + ",i=04096", Errc::bad_scram},
      {"letters behind the iterations", r + salt + ",i=4096x", Errc::bad_scram},
      {"another nonce", "r=x" + nonce_text + salt + ",i=4096", Errc::bad_scram},
      {"only our nonce", "r=" + std::string(rfc_client_nonce) + salt + ",i=4096", Errc::bad_scram},
      {"a prefix of our nonce", "r=rOprNG" + salt + ",i=4096", Errc::bad_scram},
      {"CVE-2026-6665: a huge server nonce", r + std::string(100000, 'x') + salt + ",i=4096",
       Errc::bad_scram},
      {"no salt", r + ",s=,i=4096", Errc::bad_scram},
      {"a salt that is not base64", r + ",s=W22Za!==,i=4096", Errc::bad_scram},
      {"a salt without padding", r + ",s=W22ZaJ0SNY7soEsUEjb6gQ,i=4096", Errc::bad_scram},
      {"order changed", salt.substr(1) + "," + r + ",i=4096", Errc::bad_scram},
      {"a mandatory extension", "m=x," + r + salt + ",i=4096", Errc::unsupported},
      {"an error instead", "e=other-error", Errc::bad_scram},
      {"empty", "", Errc::bad_scram},
  };
  for (const Message& m : messages) {
    INFO(m.name);
    CHECK(feed_server_first(m.text) == m.expected);
  }
}

TEST_CASE("M3: without the right signature the server is not believed") {
  const std::string good(own_server_final);
  const std::vector<Message> messages = {
      {"right", good, Errc::ok},
      {"an extension behind", good + ",x=1", Errc::ok},
      {"a signature for another exchange", std::string(rfc_server_final), Errc::authentication_failed},
      {"all zeros", "v=" + std::string(43, 'A') + "=", Errc::authentication_failed},
      {"the server refuses", "e=invalid-proof", Errc::authentication_failed},
      {"an unexplained refusal", "e=", Errc::authentication_failed},
      {"an empty signature", "v=", Errc::bad_scram},
      {"a long signature", "v=" + std::string(64, 'A'), Errc::bad_scram},
      {"neither v nor e", "x=" + good.substr(2), Errc::bad_scram},
      {"an extension first", "x=1," + good, Errc::bad_scram},
      {"empty", "", Errc::bad_scram},
      {"NUL behind", good + std::string(1, '\0'), Errc::bad_scram},
  };
  for (const Message& m : messages) {
    INFO(m.name);
    CHECK(feed_server_final(m.text) == m.expected);
  }
}

TEST_CASE("every truncation of a server's message is refused") {
  for_each_truncation(as_bytes(own_server_final),
                      [](ByteView cut) { CHECK(feed_server_final(as_text(cut)) != Errc::ok); });
  for_each_truncation(as_bytes(rfc_server_first), [](ByteView cut) {
    // "i=4" is as good as "i=4096".
    const bool has_iterations = cut.size() > rfc_server_first.find("i=") + 2;
    CHECK(feed_server_first(as_text(cut)) == (has_iterations ? Errc::ok : Errc::bad_scram));
  });
}

TEST_CASE("steps out of order end the exchange") {
  ByteBuffer out;
  SECTION("the server is asked to judge a proof first") {
    ScramServer server(rfc_verifier(), rfc_server_nonce);
    CHECK(server.client_final(as_bytes(rfc_client_final), out) == Errc::bad_scram);
    CHECK(server.client_first(as_bytes(rfc_client_first), out) == Errc::bad_scram);
  }
  SECTION("the server gets a second proof after a wrong one") {
    ScramServer server(rfc_verifier(), rfc_server_nonce);
    REQUIRE(server.client_first(as_bytes(rfc_client_first), out) == Errc::ok);
    CHECK(server.client_final(as_bytes("c=biws"), out) == Errc::bad_scram);
    CHECK(server.client_final(as_bytes(rfc_client_final), out) == Errc::bad_scram);
  }
  SECTION("a captured exchange is replayed to a server with another nonce") {
    ScramServer server(rfc_verifier());
    REQUIRE(server.client_first(as_bytes(rfc_client_first), out) == Errc::ok);
    CHECK(server.client_final(as_bytes(rfc_client_final), out) == Errc::bad_scram);
  }
  SECTION("the client gets the end without the challenge") {
    ScramClient client = client_after_first();
    CHECK(client.server_final(as_bytes(own_server_final)) == Errc::bad_scram);
    CHECK(client.server_first(as_bytes(rfc_server_first)) == Errc::bad_scram);
    CHECK_FALSE(client.finished());
  }
  SECTION("the client is asked for a proof without a challenge") {
    ScramClient client = client_after_first();
    CHECK(client.client_final(rfc_keys(), out) == Errc::bad_scram);
  }
}

TEST_CASE("nonces are fresh, and injected ones must be nonces") {
  ByteBuffer a, b;
  REQUIRE(ScramClient().client_first(a) == Errc::ok);
  REQUIRE(ScramClient().client_first(b) == Errc::ok);
  CHECK(a.size() == 8 + 24);
  CHECK(a != b);
  ByteBuffer unused;
  CHECK(ScramClient("a,b").client_first(unused) == Errc::bad_scram);
}

TEST_CASE("base64 is read canonically") {
  for (const std::string_view text : {"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "+/+/"}) {
    INFO(text);
    ByteBuffer bytes;
    REQUIRE(from_base64(text, bytes));
    CHECK(to_base64(bytes) == text);
  }
  for (const std::string_view text :
       {"Z", "Zg", "Zg=", "Zh==", "Zm9=", "=", "==", "====", "Z===", "Zg==Zg==", "Zm 9", "Zm9v\n"}) {
    INFO(text);
    ByteBuffer bytes;
    CHECK_FALSE(from_base64(text, bytes));
  }
}

namespace {

// A server that knows one password of these, and a client's proof of another.
struct Rotated {
  explicit Rotated(std::string_view proven, std::vector<std::string_view> others = {})
      : server(made("first")) {
    std::vector<ScramVerifier> verifiers;
    for (const std::string_view password : others) verifiers.push_back(made(password));
    server.also_accept(std::move(verifiers));
    ByteBuffer first, challenge;
    REQUIRE(client.client_first(first) == Errc::ok);
    REQUIRE(server.client_first(first, challenge) == Errc::ok);
    REQUIRE(client.server_first(challenge) == Errc::ok);
    ScramKeys keys;
    REQUIRE(derive_scram_keys(proven, client.salt(), client.iterations(), keys) == Errc::ok);
    REQUIRE(client.client_final(keys, proof) == Errc::ok);
  }
  static ScramVerifier made(std::string_view password, Byte salt = 7) {
    ScramVerifier verifier;
    REQUIRE(derive_scram_verifier(password, ByteBuffer(16, salt), 10, verifier) == Errc::ok);
    return verifier;
  }

  ScramServer server;
  ScramClient client;
  ByteBuffer proof, signature;
};

}  // namespace

TEST_CASE("each of a user's passwords is accepted, and the server proves that it knows that one") {
  for (const std::string_view password : {"first", "second", "third"}) {
    Rotated login(password, {"second", "third"});
    REQUIRE(login.server.client_final(login.proof, login.signature) == Errc::ok);
    CHECK(login.client.server_final(login.signature) == Errc::ok);
    ScramVerifier from_keys;
    REQUIRE(scram_verifier_from_keys(login.server.keys(), ByteBuffer(16, 7), 10, from_keys) == Errc::ok);
    CHECK(to_string(from_keys) == to_string(Rotated::made(password)));
  }
  Rotated wrong("fourth", {"second", "third"});
  CHECK(wrong.server.client_final(wrong.proof, wrong.signature) == Errc::authentication_failed);
  CHECK(wrong.signature.empty());
}

TEST_CASE("a proof that was wrong is right for a verifier that has come to be known since") {
  Rotated login("new");
  REQUIRE(login.server.client_final(login.proof, login.signature) == Errc::authentication_failed);
  SECTION("as the first") {
    CHECK(login.server.try_again(Rotated::made("new"), {}, login.signature) == Errc::ok);
    CHECK(login.client.server_final(login.signature) == Errc::ok);
  }
  SECTION("as another") {
    CHECK(login.server.try_again(Rotated::made("x"), {Rotated::made("new")}, login.signature) == Errc::ok);
    CHECK(login.client.server_final(login.signature) == Errc::ok);
  }
  SECTION("not for one that fits no better") {
    CHECK(login.server.try_again(Rotated::made("x"), {}, login.signature) == Errc::authentication_failed);
    CHECK(login.signature.empty());
  }
  SECTION("not for one of another salt") {
    CHECK(login.server.try_again(Rotated::made("new", 8), {}, login.signature) ==
          Errc::authentication_failed);
    CHECK(login.server.try_again(Rotated::made("new"), {}, login.signature) == Errc::bad_scram);
  }
}

TEST_CASE("nothing is tried again before a proof was wrong, or after it was right") {
  Rotated early("first");
  CHECK(early.server.try_again(Rotated::made("first"), {}, early.signature) == Errc::bad_scram);
  Rotated done("first");
  REQUIRE(done.server.client_final(done.proof, done.signature) == Errc::ok);
  CHECK(done.server.try_again(Rotated::made("first"), {}, done.signature) == Errc::bad_scram);
}
