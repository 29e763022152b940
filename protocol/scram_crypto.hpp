// The primitives and the attribute reader that both roles of SCRAM share. Internal to protocol/scram_*.cpp.
#pragma once

#include <string>
#include <string_view>

#include "protocol/scram.hpp"

namespace pgweir::scram_detail {

Errc hmac_sha256(const ScramKey& key, std::string_view data, ScramKey& out);
Errc hmac_sha256(ByteView key, std::string_view data, ScramKey& out);
Errc sha256(const ScramKey& data, ScramKey& out);
ScramKey exclusive_or(const ScramKey& a, const ScramKey& b);
bool equal_in_constant_time(const ScramKey& a, const ScramKey& b);

// Base64 of exactly 32 bytes.
bool read_key(std::string_view text, ScramKey& out);

// Strictly decimal: digits, no sign, no leading zero; 1 to `most`.
bool read_iterations(std::string_view text, std::uint32_t most, std::uint32_t& out);

// Makes the nonce: `injected` if it is not empty, else 18 random bytes in base64, as PostgreSQL does.
Errc make_nonce(std::string& injected);

// RFC 5802, section 7: a nonce is printable ASCII without comma.
bool is_nonce(std::string_view text);

// What a gs2 header calls the binding to the server's certificate (RFC 5929, section 4).
inline constexpr std::string_view tls_server_end_point = "tls-server-end-point";

// The value of c=: base64 of the gs2 header, followed by the binding's data.
std::string channel_binding(std::string_view gs2_header, ByteView data);

// Walks "a=value,b=value"; views into the text.
class Attributes {
 public:
  explicit Attributes(std::string_view text) : rest_(text) {}

  // The next attribute, which must have this name.
  Errc take(char name, std::string_view& value);
  Errc take_any(char& name, std::string_view& value);
  // Skips extensions up to the end. "m=" is mandatory to understand, so it is refused: unsupported.
  Errc skip_extensions();

  std::string_view rest() const { return rest_; }
  bool done() const { return done_; }

 private:
  std::string_view rest_;
  bool done_ = false;  // the last attribute was taken; a trailing comma does not count as an end
};

}  // namespace pgweir::scram_detail
