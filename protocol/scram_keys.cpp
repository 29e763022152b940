// Keys and verifiers: what is stored and cached, as opposed to the exchange itself (scram_server,
// scram_client).
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <cassert>
#include <limits>

#include "protocol/authentication.hpp"
#include "protocol/base64.hpp"
#include "protocol/scram.hpp"
#include "protocol/scram_crypto.hpp"

namespace pgweir {
namespace {

using namespace scram_detail;

constexpr std::uint32_t verifier_iterations_max = std::numeric_limits<std::int32_t>::max();

// Splits `text` at the first `separator`; false when there is none.
bool split(std::string_view text, char separator, std::string_view& left, std::string_view& right) {
  const std::size_t at = text.find(separator);
  if (at == std::string_view::npos) return false;
  left = text.substr(0, at);
  right = text.substr(at + 1);
  return true;
}

Errc salted_password(std::string_view password, ByteView salt, std::uint32_t iterations, ScramKey& out) {
  const int made = PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), salt.data(),
                                     static_cast<int>(salt.size()), static_cast<int>(iterations),
                                     EVP_sha256(), static_cast<int>(scram_key_size), out.bytes.data());
  return made == 1 ? Errc::ok : Errc::crypto_failure;
}

}  // namespace

ScramKey::~ScramKey() {
  OPENSSL_cleanse(bytes.data(), bytes.size());
}

Errc parse_scram_verifier(std::string_view text, ScramVerifier& out) {
  std::string_view mechanism, rest, parameters, keys, iterations, salt, stored_key, server_key;
  const bool has_shape = split(text, '$', mechanism, rest) && split(rest, '$', parameters, keys) &&
                         split(parameters, ':', iterations, salt) && split(keys, ':', stored_key, server_key);
  if (!has_shape || mechanism != scram_sha_256) return Errc::bad_scram;
  if (!read_iterations(iterations, verifier_iterations_max, out.iterations)) return Errc::bad_scram;
  if (!from_base64(salt, out.salt) || out.salt.empty()) return Errc::bad_scram;
  if (!read_key(stored_key, out.stored_key) || !read_key(server_key, out.server_key)) return Errc::bad_scram;
  return Errc::ok;
}

std::string to_string(const ScramVerifier& verifier) {
  std::string out(scram_sha_256);
  out.append("$").append(std::to_string(verifier.iterations)).append(":");
  append_base64(verifier.salt, out);
  out.append("$");
  append_base64(verifier.stored_key.bytes, out);
  out.append(":");
  append_base64(verifier.server_key.bytes, out);
  return out;
}

Errc derive_scram_keys(std::string_view password, ByteView salt, std::uint32_t iterations, ScramKeys& out) {
  if (password.size() > authentication_message_max || salt.size() > scram_server_message_max)
    return Errc::too_large;
  if (salt.empty() || iterations == 0 || iterations > verifier_iterations_max) return Errc::bad_scram;
  ScramKey salted;
  if (const Errc e = salted_password(password, salt, iterations, salted); e != Errc::ok) return e;
  if (const Errc e = hmac_sha256(salted, "Client Key", out.client_key); e != Errc::ok) return e;
  return hmac_sha256(salted, "Server Key", out.server_key);
}

Errc derive_scram_verifier(std::string_view password, ByteView salt, std::uint32_t iterations,
                           ScramVerifier& out) {
  ScramKeys keys;
  if (const Errc e = derive_scram_keys(password, salt, iterations, keys); e != Errc::ok) return e;
  return scram_verifier_from_keys(keys, salt, iterations, out);
}

Errc scram_verifier_from_keys(const ScramKeys& keys, ByteView salt, std::uint32_t iterations,
                              ScramVerifier& out) {
  out.iterations = iterations;
  out.salt.assign(salt.begin(), salt.end());
  out.server_key = keys.server_key;
  return sha256(keys.client_key, out.stored_key);
}

Errc random_scram_salt(ByteBuffer& out) {
  out.resize(scram_salt_size);
  return RAND_bytes(out.data(), static_cast<int>(out.size())) == 1 ? Errc::ok : Errc::crypto_failure;
}

Errc fake_scram_verifier(ByteView secret, std::string_view user, std::uint32_t iterations,
                         ScramVerifier& out) {
  assert(secret.size() >= 16);
  // Half of it is shown as the salt. As a stored key no part has to be secret: what it is the hash of is not
  // known.
  if (const Errc e = hmac_sha256(secret, user, out.stored_key); e != Errc::ok) return e;
  out.server_key = out.stored_key;
  out.iterations = iterations;
  out.salt.assign(out.stored_key.bytes.begin(), out.stored_key.bytes.begin() + scram_salt_size);
  return Errc::ok;
}

}  // namespace pgweir
