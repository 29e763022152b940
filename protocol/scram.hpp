// SCRAM-SHA-256 and -PLUS (RFC 5802, RFC 7677), both roles, sans-I/O: the strings in SASL
// messages.
//
//   client                                   server
//   client-first   n,,n=,r=C           ->
//                                      <-    r=CS,s=salt,i=iterations      server-first
//   client-final   c=biws,r=CS,p=proof ->
//                                      <-    v=signature                   server-final
//
// With TLS both sides can prove that they are the two ends of one channel: -PLUS, bound to the server's
// certificate (tls-server-end-point, RFC 5929).
//
// Every step returns an Errc; after an error the exchange is over, and every further call returns bad_scram.
//   bad_scram              malformed, out of order, wrong nonce            (SQLSTATE 08P01)
//   downgraded             the client was made believe that the server cannot bind  (28000)
//   wrong_channel          the client is bound to another server's certificate      (28000)
//   unsupported            authorization identity, mandatory extension "m="              (0A000)
//   authentication_failed  proof or signature wrong, or the server said e=               (28P01)
//   crypto_failure         libcrypto refused
// One owner and one thread at a time per object; free functions: any thread. Secrets are wiped when
// destroyed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/bytes.hpp"

namespace pgweir {

inline constexpr std::size_t scram_key_size = 32;
inline constexpr std::size_t scram_salt_size = 16;               // what PostgreSQL generates
inline constexpr std::uint32_t scram_iterations_default = 4096;  // PostgreSQL's scram_iterations
// A hostile server may name 10^9 iterations and occupy a core for minutes (pgjdbc CVE-2026-42198).
inline constexpr std::uint32_t scram_iterations_max = 100000;
inline constexpr std::size_t scram_client_message_max = 1024;  // PG_MAX_SASL_MESSAGE_LENGTH
inline constexpr std::size_t scram_server_message_max = 4096;

// 32 secret bytes; wiped on destruction.
struct ScramKey {
  std::array<Byte, scram_key_size> bytes{};

  ScramKey() = default;
  ScramKey(const ScramKey&) = default;
  ScramKey& operator=(const ScramKey&) = default;
  ~ScramKey();
};

// What a client needs for one (password, salt, iterations): worth caching, because making it costs a PBKDF2.
struct ScramKeys {
  ScramKey client_key;
  ScramKey server_key;
};

// What a server stores for one user. It does not reveal the password, but server_key and a seen exchange
// allow impersonation: treat it as a secret.
struct ScramVerifier {
  std::uint32_t iterations = 0;
  ByteBuffer salt;
  ScramKey stored_key;
  ScramKey server_key;
};

// pg_authid.rolpassword: SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>. Strict: canonical base64,
// keys of 32 bytes, 1 to 2147483647 iterations. Errors: bad_scram.
Errc parse_scram_verifier(std::string_view text, ScramVerifier& out);
std::string to_string(const ScramVerifier& verifier);

// The only expensive call of this file (about 1 ms at 4096 iterations): run it off the event loop.
// Password preparation: ASCII is used as it is, exactly as PostgreSQL does. PostgreSQL normalizes other text
// with SASLprep and falls back to the raw bytes where that fails; pgweir always uses the raw bytes. The two
// differ only for passwords that are not in NFKC form or contain non-ASCII spaces or invisible characters.
Errc derive_scram_keys(std::string_view password, ByteView salt, std::uint32_t iterations, ScramKeys& out);

// The verifier of a configured password; `salt` is from random_scram_salt() or given by a test. As expensive
// as the above.
Errc derive_scram_verifier(std::string_view password, ByteView salt, std::uint32_t iterations,
                           ScramVerifier& out);
Errc scram_verifier_from_keys(const ScramKeys& keys, ByteView salt, std::uint32_t iterations,
                              ScramVerifier& out);
Errc random_scram_salt(ByteBuffer& out);

// A verifier that no password satisfies, for users that do not exist: always the same salt for the same name,
// so that neither text nor steps nor time tell an unknown user from a wrong password. `secret` is random per
// process (or shared by a fleet), at least 16 bytes. `iterations`: what real users have. Costs one HMAC: make
// one for every login, needed or not, and the clock tells nothing.
Errc fake_scram_verifier(ByteView secret, std::string_view user, std::uint32_t iterations,
                         ScramVerifier& out);

// What an exchange may be bound to.
struct ScramBinding {
  ByteView end_point = {};  // empty: there is no TLS. Copied.
  bool binds = false;       // -PLUS was chosen
};

// The server's side. The user name inside the messages is ignored, as in PostgreSQL: the startup packet's
// counts.
class ScramServer {
 public:
  // `nonce` is for tests: printable, no comma. Empty means random.
  explicit ScramServer(ScramVerifier verifier, std::string_view nonce = {}, const ScramBinding& binding = {});

  // Other passwords of the same user: a proof of any of them will do. Their verifiers must have the salt and
  // the iterations of the first, which the client is told before it proves anything. Each costs two HMACs,
  // whether it fits or not.
  void also_accept(std::vector<ScramVerifier> others) { others_ = std::move(others); }

  // Both append the answer to `reply`. A failed proof leaves `reply` alone: the client gets an ErrorResponse.
  Errc client_first(ByteView message, ByteBuffer& reply);
  Errc client_final(ByteView message, ByteBuffer& reply);
  // To be called after client_final() has returned authentication_failed: judges the same proof by verifiers
  // that have become known since, with the same salt and iterations.
  Errc try_again(ScramVerifier verifier, std::vector<ScramVerifier> others, ByteBuffer& reply);

  // Valid after client_final() returned ok: the client's key as its proof revealed it. With the verifier's
  // server_key it logs in to a PostgreSQL that holds the same verifier, so no password is needed for that.
  const ScramKeys& keys() const { return keys_; }
  const ScramVerifier& verifier() const { return verifier_; }

 private:
  enum class State : std::uint8_t { expects_first, expects_final, wrong_proof, done, failed };

  struct Judged {
    bool fits = false;
    ScramKey client_key;
    ScramKey signature;  // the server's
  };

  Errc read_gs2_header(std::string_view message, std::size_t& size) const;
  Errc read_client_first(std::string_view message);
  Errc read_client_final(std::string_view message);
  Errc judge(const ScramVerifier& verifier, Judged& out) const;
  Errc judge_all(ByteBuffer& reply);
  Errc fail(Errc e);

  State state_ = State::expects_first;
  ScramVerifier verifier_;
  std::vector<ScramVerifier> others_;
  ByteBuffer end_point_;
  bool binds_ = false;
  std::string own_nonce_;        // the injected one until client_first(), which makes it
  std::string nonce_;            // the client's, extended by the server
  std::string channel_binding_;  // what c= must hold: base64 of the client's gs2 header and the binding
  std::string auth_message_;     // client-first-bare "," server-first "," client-final-without-proof
  ScramKey proof_;
  ScramKeys keys_;
};

// The client's side:
//   client_first() -> send; server_first() <- received; find keys for (salt(), iterations()) in a cache or by
//   derive_scram_keys(); client_final(keys) -> send; server_final() <- received, ok: the server knew the
//   secret.
// AuthenticationOk without a server_final() that returned ok must be treated as a failure: see finished().
class ScramClient {
 public:
  // `nonce` is for tests: printable, no comma. Empty means random.
  explicit ScramClient(std::string_view nonce = {}, const ScramBinding& binding = {});

  Errc client_first(ByteBuffer& out);
  Errc server_first(ByteView message);
  Errc client_final(const ScramKeys& keys, ByteBuffer& out);
  Errc server_final(ByteView message);

  // Valid after server_first() returned ok, as long as this object.
  ByteView salt() const { return salt_; }
  std::uint32_t iterations() const { return iterations_; }
  bool finished() const { return state_ == State::done; }

 private:
  enum class State : std::uint8_t { initial, sent_first, has_challenge, sent_final, done, failed };

  Errc read_server_first(std::string_view message);
  Errc fail(Errc e);

  State state_ = State::initial;
  std::string gs2_header_;
  std::string channel_binding_;  // base64 of the header and the binding
  std::string own_nonce_;
  std::string nonce_;  // the client's, extended by the server
  std::string auth_message_;
  ByteBuffer salt_;
  std::uint32_t iterations_ = 0;
  ScramKey expected_signature_;
};

}  // namespace pgweir
