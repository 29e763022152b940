#include "protocol/scram_crypto.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <memory>

#include "protocol/base64.hpp"

namespace pgweir::scram_detail {
namespace {

constexpr std::size_t raw_nonce_size = 18;

struct FreeMac {
  void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
};
using MacContext = std::unique_ptr<EVP_MAC_CTX, FreeMac>;

MacContext make_hmac_sha256() {
  EVP_MAC* const hmac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  if (hmac == nullptr) return nullptr;
  MacContext context(EVP_MAC_CTX_new(hmac));
  EVP_MAC_free(hmac);
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                   OSSL_PARAM_construct_end()};
  if (!context || EVP_MAC_CTX_set_params(context.get(), parameters) != 1) return nullptr;
  return context;
}

bool is_letter(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

}  // namespace

// OpenSSL's HMAC() looks the algorithm up by name and allocates each time, which costs several times what the
// arithmetic does; a context that only gets a new key does not.
Errc hmac_sha256(ByteView key, std::string_view data, ScramKey& out) {
  thread_local const MacContext context = make_hmac_sha256();
  const ByteView bytes = as_bytes(data);
  std::size_t size = 0;
  const bool made = context && EVP_MAC_init(context.get(), key.data(), key.size(), nullptr) == 1 &&
                    EVP_MAC_update(context.get(), bytes.data(), bytes.size()) == 1 &&
                    EVP_MAC_final(context.get(), out.bytes.data(), &size, out.bytes.size()) == 1;
  return made && size == out.bytes.size() ? Errc::ok : Errc::crypto_failure;
}

Errc hmac_sha256(const ScramKey& key, std::string_view data, ScramKey& out) {
  return hmac_sha256(ByteView(key.bytes), data, out);
}

Errc sha256(const ScramKey& data, ScramKey& out) {
  static const EVP_MD* const digest = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  if (digest == nullptr) return Errc::crypto_failure;
  const int made =
      EVP_Digest(data.bytes.data(), data.bytes.size(), out.bytes.data(), nullptr, digest, nullptr);
  return made == 1 ? Errc::ok : Errc::crypto_failure;
}

ScramKey exclusive_or(const ScramKey& a, const ScramKey& b) {
  ScramKey out;
  for (std::size_t i = 0; i < scram_key_size; ++i) out.bytes[i] = static_cast<Byte>(a.bytes[i] ^ b.bytes[i]);
  return out;
}

bool equal_in_constant_time(const ScramKey& a, const ScramKey& b) {
  return CRYPTO_memcmp(a.bytes.data(), b.bytes.data(), scram_key_size) == 0;
}

bool read_key(std::string_view text, ScramKey& out) {
  ByteBuffer bytes;
  const bool read = from_base64(text, bytes) && bytes.size() == scram_key_size;
  if (read) std::copy(bytes.begin(), bytes.end(), out.bytes.begin());
  OPENSSL_cleanse(bytes.data(), bytes.size());
  return read;
}

bool read_iterations(std::string_view text, std::uint32_t most, std::uint32_t& out) {
  constexpr std::size_t digits_max = 10;
  if (text.empty() || text.size() > digits_max || text.front() == '0') return false;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  out = static_cast<std::uint32_t>(value);
  return value <= most;
}

Errc make_nonce(std::string& injected) {
  if (!injected.empty()) return is_nonce(injected) ? Errc::ok : Errc::bad_scram;
  std::array<Byte, raw_nonce_size> raw{};
  if (RAND_bytes(raw.data(), static_cast<int>(raw.size())) != 1) return Errc::crypto_failure;
  injected = to_base64(raw);
  return Errc::ok;
}

bool is_nonce(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~' && c != ','; });
}

std::string channel_binding(std::string_view gs2_header, ByteView data) {
  ByteBuffer input(gs2_header.begin(), gs2_header.end());
  input.insert(input.end(), data.begin(), data.end());
  return to_base64(input);
}

Errc Attributes::take(char name, std::string_view& value) {
  char found = 0;
  if (const Errc e = take_any(found, value); e != Errc::ok) return e;
  return found == name ? Errc::ok : Errc::bad_scram;
}

Errc Attributes::take_any(char& name, std::string_view& value) {
  if (done_ || rest_.size() < 2 || !is_letter(rest_[0]) || rest_[1] != '=') return Errc::bad_scram;
  name = rest_[0];
  const std::size_t comma = rest_.find(',');
  done_ = comma == std::string_view::npos;
  value = rest_.substr(2, done_ ? comma : comma - 2);
  rest_ = done_ ? std::string_view{} : rest_.substr(comma + 1);
  return value.find('\0') == std::string_view::npos ? Errc::ok : Errc::bad_scram;
}

Errc Attributes::skip_extensions() {
  while (!done_) {
    char name = 0;
    std::string_view value;
    if (const Errc e = take_any(name, value); e != Errc::ok) return e;
    if (name == 'm') return Errc::unsupported;
  }
  return Errc::ok;
}

}  // namespace pgweir::scram_detail
