#include "proxy/aws/sigv4.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace pgweir::aws {
namespace {

constexpr std::string_view algorithm = "AWS4-HMAC-SHA256";
constexpr std::size_t day_size = 8;  // of amz_date()
constexpr std::size_t digest_size = 32;

std::string hex(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += digits[byte >> 4];
    out += digits[byte & 0xf];
  }
  return out;
}

std::string hmac(std::string_view key, std::string_view data) {
  std::array<unsigned char, digest_size> digest{};
  unsigned size = 0;
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
           reinterpret_cast<const unsigned char*>(data.data()), data.size(), digest.data(), &size) == nullptr)
    throw std::runtime_error("libcrypto cannot compute a signature");
  return {digest.begin(), digest.end()};
}

// Header names in small letters; runs of spaces in values are one space, those at the ends none.
std::string squeezed(std::string_view value) {
  std::string out;
  for (const char c : value) {
    const bool blank = c == ' ' || c == '\t';
    if (!blank) out += c;
    if (blank && !out.empty() && out.back() != ' ') out += ' ';
  }
  if (out.ends_with(' ')) out.pop_back();
  return out;
}

Pairs canonical_headers(const Pairs& headers) {
  Pairs out;
  for (const auto& [name, value] : headers) {
    std::string small = name;
    std::transform(small.begin(), small.end(), small.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; });
    out.emplace_back(std::move(small), squeezed(value));
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::string signed_names(const Pairs& canonical) {
  std::string out;
  for (const auto& [name, value] : canonical) out.append(out.empty() ? "" : ";").append(name);
  return out;
}

std::string canonical_query(const Pairs& query) {
  Pairs encoded;
  for (const auto& [name, value] : query) encoded.emplace_back(uri_encode(name), uri_encode(value));
  std::sort(encoded.begin(), encoded.end());
  std::string out;
  for (const auto& [name, value] : encoded)
    out.append(out.empty() ? "" : "&").append(name).append("=").append(value);
  return out;
}

std::string canonical_request(const Signable& request, const Pairs& query, const Pairs& headers) {
  std::string out = request.method + '\n' + uri_encode(request.path, "/") + '\n' + canonical_query(query);
  out += '\n';
  for (const auto& [name, value] : headers) out += name + ':' + value + '\n';
  return out + '\n' + signed_names(headers) + '\n' + sha256_hex(request.body);
}

std::string scope_of(std::string_view date, const Scope& scope) {
  return std::string(date.substr(0, day_size)) + '/' + scope.region + '/' + scope.service + "/aws4_request";
}

std::string signature(std::string_view canonical, std::string_view date, const Scope& scope,
                      const Credentials& credentials) {
  const std::string to_sign = std::string(algorithm) + '\n' + std::string(date) + '\n' +
                              scope_of(date, scope) + '\n' + sha256_hex(canonical);
  const config::Secret key = signing_key(credentials.secret_access_key, date.substr(0, day_size), scope);
  return hex(hmac(key.reveal(), to_sign));
}

}  // namespace

std::string uri_encode(std::string_view text, std::string_view keep) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                       std::string_view("-._~").find(c) != std::string_view::npos ||
                       keep.find(c) != std::string_view::npos;
    if (plain) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += digits[byte >> 4];
    out += digits[byte & 0xf];
  }
  return out;
}

std::string sha256_hex(std::string_view data) {
  std::array<unsigned char, digest_size> digest{};
  unsigned size = 0;
  if (EVP_Digest(data.data(), data.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1)
    throw std::runtime_error("libcrypto cannot compute a hash");
  return hex({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

std::string amz_date(Time time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y%m%dT%H%M%SZ", &parts);
  return {text.data(), size};
}

config::Secret signing_key(const config::Secret& secret_access_key, std::string_view day,
                           const Scope& scope) {
  const config::Secret start(std::string("AWS4").append(secret_access_key.reveal()));
  config::Secret key(hmac(start.reveal(), day));
  for (const std::string_view part : {std::string_view(scope.region), std::string_view(scope.service)})
    key = config::Secret(hmac(key.reveal(), part));
  return config::Secret(hmac(key.reveal(), "aws4_request"));
}

Pairs sign(const Signable& request, const Scope& scope, const Credentials& credentials, Time now) {
  const std::string date = amz_date(now);
  Pairs added{{"x-amz-date", date}};
  if (!credentials.session_token.empty())
    added.emplace_back("x-amz-security-token", credentials.session_token.reveal());
  Pairs all = request.headers;
  all.insert(all.end(), added.begin(), added.end());
  const Pairs headers = canonical_headers(all);
  const std::string canonical = canonical_request(request, request.query, headers);
  std::string authorization(algorithm);
  authorization.append(" Credential=").append(credentials.access_key_id).append("/");
  authorization.append(scope_of(date, scope)).append(", SignedHeaders=").append(signed_names(headers));
  authorization.append(", Signature=").append(signature(canonical, date, scope, credentials));
  added.emplace_back("authorization", std::move(authorization));
  return added;
}

std::string presign(const Signable& request, const Scope& scope, const Credentials& credentials, Time now,
                    std::chrono::seconds expires) {
  const std::string date = amz_date(now);
  const Pairs headers = canonical_headers(request.headers);
  Pairs query = request.query;
  query.emplace_back("X-Amz-Algorithm", algorithm);
  query.emplace_back("X-Amz-Credential", credentials.access_key_id + '/' + scope_of(date, scope));
  query.emplace_back("X-Amz-Date", date);
  query.emplace_back("X-Amz-Expires", std::to_string(expires.count()));
  if (!credentials.session_token.empty())
    query.emplace_back("X-Amz-Security-Token", credentials.session_token.reveal());
  query.emplace_back("X-Amz-SignedHeaders", signed_names(headers));
  const std::string canonical = canonical_request(request, query, headers);
  return canonical_query(query) + "&X-Amz-Signature=" + signature(canonical, date, scope, credentials);
}

}  // namespace pgweir::aws
