#include "protocol/authentication.hpp"

#include <algorithm>

namespace pgweir {
namespace {

constexpr std::uint32_t no_data = 0xffffffff;  // Int32 -1

void write_authentication(ByteBuffer& out, AuthenticationKind kind, ByteView data) {
  Writer(out).begin_message('R').u32(static_cast<std::uint32_t>(kind)).raw(data).end_message();
}

bool is_known(std::uint32_t kind) {
  switch (static_cast<AuthenticationKind>(kind)) {
    case AuthenticationKind::ok:
    case AuthenticationKind::kerberos_v5:
    case AuthenticationKind::cleartext_password:
    case AuthenticationKind::md5_password:
    case AuthenticationKind::gss:
    case AuthenticationKind::gss_continue:
    case AuthenticationKind::sspi:
    case AuthenticationKind::sasl:
    case AuthenticationKind::sasl_continue:
    case AuthenticationKind::sasl_final:
      return true;
  }
  return false;
}

Errc read_md5_salt(Reader& in, Md5Salt& out) {
  ByteView salt;
  if (const Errc e = in.bytes(out.size(), salt); e != Errc::ok) return e;
  std::copy(salt.begin(), salt.end(), out.begin());
  return in.end();
}

// Checks a list of names, each with its NUL, and an empty name at the end.
Errc check_mechanisms(ByteView list) {
  Reader in(list);
  std::string_view name;
  do {
    if (const Errc e = in.cstring(name); e != Errc::ok) return e;
  } while (!name.empty());
  return in.end();
}

}  // namespace

void write_authentication_ok(ByteBuffer& out) {
  write_authentication(out, AuthenticationKind::ok, {});
}

void write_authentication_cleartext(ByteBuffer& out) {
  write_authentication(out, AuthenticationKind::cleartext_password, {});
}

void write_authentication_md5(ByteBuffer& out, const Md5Salt& salt) {
  write_authentication(out, AuthenticationKind::md5_password, salt);
}

void write_authentication_sasl(ByteBuffer& out, std::span<const std::string_view> mechanisms) {
  Writer w(out);
  w.begin_message('R').u32(static_cast<std::uint32_t>(AuthenticationKind::sasl));
  for (const std::string_view name : mechanisms) w.cstring(name);
  w.u8(0).end_message();
}

void write_authentication_sasl_continue(ByteBuffer& out, ByteView data) {
  write_authentication(out, AuthenticationKind::sasl_continue, data);
}

void write_authentication_sasl_final(ByteBuffer& out, ByteView data) {
  write_authentication(out, AuthenticationKind::sasl_final, data);
}

void write_password_message(ByteBuffer& out, std::string_view password) {
  Writer(out).begin_message('p').cstring(password).end_message();
}

void write_sasl_initial_response(ByteBuffer& out, std::string_view mechanism, ByteView data) {
  Writer w(out);
  w.begin_message('p')
      .cstring(mechanism)
      .u32(static_cast<std::uint32_t>(data.size()))
      .raw(data)
      .end_message();
}

void write_sasl_response(ByteBuffer& out, ByteView data) {
  Writer(out).begin_message('p').raw(data).end_message();
}

bool AuthenticationRequest::offers(std::string_view mechanism) const {
  if (kind != AuthenticationKind::sasl || mechanism.empty()) return false;
  Reader in(data);
  std::string_view name;
  while (in.cstring(name) == Errc::ok && !name.empty()) {
    if (name == mechanism) return true;
  }
  return false;
}

Errc parse_authentication(ByteView body, AuthenticationRequest& out) {
  if (body.size() > authentication_message_max) return Errc::length_out_of_range;
  Reader in(body);
  std::uint32_t kind = 0;
  if (const Errc e = in.u32(kind); e != Errc::ok) return e;
  if (!is_known(kind)) return Errc::unsupported;
  out = AuthenticationRequest{};
  out.kind = static_cast<AuthenticationKind>(kind);
  switch (out.kind) {
    case AuthenticationKind::md5_password:
      return read_md5_salt(in, out.salt);
    case AuthenticationKind::sasl:
      out.data = in.rest();
      return check_mechanisms(out.data);
    case AuthenticationKind::sasl_continue:
    case AuthenticationKind::sasl_final:
    case AuthenticationKind::gss_continue:
      out.data = in.rest();
      return Errc::ok;
    default:
      return in.end();
  }
}

Errc parse_password_message(ByteView body, std::string_view& out) {
  if (body.size() > authentication_message_max) return Errc::length_out_of_range;
  Reader in(body);
  if (const Errc e = in.cstring(out); e != Errc::ok) return e;
  return in.end();
}

Errc parse_sasl_initial_response(ByteView body, SaslInitialResponse& out) {
  if (body.size() > authentication_message_max) return Errc::length_out_of_range;
  Reader in(body);
  std::uint32_t size = 0;
  out = SaslInitialResponse{};
  if (const Errc e = in.cstring(out.mechanism); e != Errc::ok) return e;
  if (const Errc e = in.u32(size); e != Errc::ok) return e;
  if (size == no_data) return in.end();
  out.has_data = true;
  if (const Errc e = in.bytes(size, out.data); e != Errc::ok) return e;
  return in.end();
}

}  // namespace pgweir
