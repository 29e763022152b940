// The messages of the authentication exchange: Authentication* ('R') from the server, and the client's
// answers, which all share the type 'p' and are told apart only by what was asked. (PostgreSQL
// documentation, 55.3 "SASL Authentication", 55.7 "Message Formats".)
//
// Pure functions: any thread. Parsers take a body without its header and return views into it; builders
// append one whole message. The contents of SASL messages are protocol/scram.hpp's business.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "protocol/bytes.hpp"

namespace pgweir {

inline constexpr std::string_view scram_sha_256 = "SCRAM-SHA-256";
inline constexpr std::string_view scram_sha_256_plus = "SCRAM-SHA-256-PLUS";  // with channel binding
inline constexpr std::size_t authentication_message_max = 65535;  // 'p' and 'R', PostgreSQL's limit for both
using Md5Salt = std::array<Byte, 4>;

// Server to client.
void write_authentication_ok(ByteBuffer& out);
void write_authentication_cleartext(ByteBuffer& out);
void write_authentication_md5(ByteBuffer& out, const Md5Salt& salt);
void write_authentication_sasl(ByteBuffer& out, std::span<const std::string_view> mechanisms);
void write_authentication_sasl_continue(ByteBuffer& out, ByteView data);
void write_authentication_sasl_final(ByteBuffer& out, ByteView data);

// Client to server.
void write_password_message(ByteBuffer& out, std::string_view password);  // clear text, or an MD5 response
void write_sasl_initial_response(ByteBuffer& out, std::string_view mechanism, ByteView data);
void write_sasl_response(ByteBuffer& out, ByteView data);

// What a server asks for. The numbers are the protocol's.
enum class AuthenticationKind : std::uint32_t {
  ok = 0,
  kerberos_v5 = 2,
  cleartext_password = 3,
  md5_password = 5,
  gss = 7,
  gss_continue = 8,
  sspi = 9,
  sasl = 10,
  sasl_continue = 11,
  sasl_final = 12,
};

struct AuthenticationRequest {
  AuthenticationKind kind = AuthenticationKind::ok;
  Md5Salt salt{};  // md5_password
  ByteView data;   // sasl: the list of mechanisms; sasl_continue, sasl_final: the SCRAM message
  // Whether a SASL request offers this mechanism, spelled exactly like this.
  bool offers(std::string_view mechanism) const;
};

// Body of 'R'. Views live as long as `body`. unsupported: a kind that this list does not name.
Errc parse_authentication(ByteView body, AuthenticationRequest& out);

// Body of 'p' as an answer to a cleartext or MD5 request: one string and nothing after it.
Errc parse_password_message(ByteView body, std::string_view& out);

struct SaslInitialResponse {
  std::string_view mechanism;
  ByteView data;          // the client-first message
  bool has_data = false;  // false: length -1, the client waits for an empty challenge
};

// Body of the first 'p' of a SASL exchange. The declared length must be exactly what is left
// (CVE-2026-6664 in PgBouncer: an unchecked length crashed the process before login).
Errc parse_sasl_initial_response(ByteView body, SaslInitialResponse& out);

}  // namespace pgweir
