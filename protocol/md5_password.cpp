#include "protocol/md5_password.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "protocol/bytes.hpp"

namespace pgweir {
namespace {

constexpr std::string_view prefix = "md5";
constexpr std::size_t hash_size = 3 + 32;

bool is_lower_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

// "md5" and the digest of `first` followed by `second`, in hexadecimal.
Errc md5_text(ByteView first, ByteView second, std::string& out) {
  ByteBuffer joined;
  joined.reserve(first.size() + second.size());  // a second allocation would leave an unwiped copy behind
  joined.insert(joined.end(), first.begin(), first.end());
  joined.insert(joined.end(), second.begin(), second.end());
  std::array<Byte, 16> digest{};
  const int made = EVP_Digest(joined.data(), joined.size(), digest.data(), nullptr, EVP_md5(), nullptr);
  OPENSSL_cleanse(joined.data(), joined.size());
  if (made != 1) return Errc::crypto_failure;

  constexpr std::string_view digits = "0123456789abcdef";
  out = prefix;
  for (const Byte b : digest) {
    out.push_back(digits[b >> 4]);
    out.push_back(digits[b & 15]);
  }
  return Errc::ok;
}

}  // namespace

bool is_md5_hash(std::string_view text) {
  return text.size() == hash_size && text.starts_with(prefix) &&
         std::all_of(text.begin() + prefix.size(), text.end(), is_lower_hex);
}

Errc md5_hash(std::string_view password, std::string_view user, std::string& out) {
  return md5_text(as_bytes(password), as_bytes(user), out);
}

Errc md5_response(std::string_view hash, const Md5Salt& salt, std::string& out) {
  if (!is_md5_hash(hash)) return Errc::authentication_failed;
  return md5_text(as_bytes(hash.substr(prefix.size())), salt, out);
}

Errc check_md5_response(std::string_view response, std::string_view hash, const Md5Salt& salt) {
  std::string expected;
  if (const Errc e = md5_response(hash, salt, expected); e != Errc::ok) return e;
  // The size of a right answer is not secret.
  if (response.size() != expected.size()) return Errc::authentication_failed;
  const bool equal = CRYPTO_memcmp(response.data(), expected.data(), expected.size()) == 0;
  return equal ? Errc::ok : Errc::authentication_failed;
}

}  // namespace pgweir
