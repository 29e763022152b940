#include "protocol/startup.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace pgweir {
namespace {

constexpr std::uint32_t version_code(std::uint32_t major, std::uint32_t minor) {
  return major << 16 | minor;
}

// Request codes look like versions of a major number that no protocol will ever have.
constexpr std::uint32_t cancel_request_code = version_code(1234, 5678);
constexpr std::uint32_t ssl_request_code = version_code(1234, 5679);
constexpr std::uint32_t gssenc_request_code = version_code(1234, 5680);

constexpr std::string_view protocol_option_prefix = "_pq_.";

// ASCII only, as PostgreSQL folds the names of settings.
std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

// True for a prefix of `word`, of `least` letters or more, in any case.
bool abbreviates(const std::string& value, std::string_view word, std::size_t least) {
  return value.size() >= least && word.starts_with(value);
}

// PostgreSQL's boolean input rules (parse_bool), with "database" beside them.
Errc read_replication(std::string_view text, bool& out) {
  if (text == "database") {
    out = true;
    return Errc::ok;
  }
  const std::string value = lower(text);
  out = abbreviates(value, "true", 1) || abbreviates(value, "yes", 1) || value == "on" || value == "1";
  const bool is_false = abbreviates(value, "false", 1) || abbreviates(value, "no", 1) ||
                        abbreviates(value, "off", 2) || value == "0";
  return out || is_false ? Errc::ok : Errc::bad_startup;
}

// Names are sorted rather than compared pairwise: a packet of any sender may hold some 2500 short names.
Errc refuse_duplicates(std::vector<std::string>& names) {
  std::sort(names.begin(), names.end());
  const bool unique = std::adjacent_find(names.begin(), names.end()) == names.end();
  return unique ? Errc::ok : Errc::duplicate_parameter;
}

Errc store_parameter(std::string_view name, std::string_view value, StartupMessage& out) {
  if (name == "user") {
    out.user = value;
  } else if (name == "database") {
    out.database = value;
  } else if (name == "options") {
    out.options = value;
  } else if (name == "replication") {
    return read_replication(value, out.replication);
  } else if (name.starts_with(protocol_option_prefix)) {
    out.protocol_options.emplace_back(name);
  } else {
    out.parameters.push_back({std::string(name), std::string(value)});
  }
  return Errc::ok;
}

// Pairs of strings, ended by an empty name, which must be the packet's last byte.
Errc read_parameters(Reader& in, StartupMessage& out) {
  std::vector<std::string> names;
  for (;;) {
    std::string_view name;
    std::string_view value;
    if (const Errc e = in.cstring(name); e != Errc::ok) return e;
    if (name.empty()) break;
    if (const Errc e = in.cstring(value); e != Errc::ok) return e;
    if (const Errc e = store_parameter(name, value, out); e != Errc::ok) return e;
    names.push_back(lower(name));
  }
  if (const Errc e = in.end(); e != Errc::ok) return e;
  return refuse_duplicates(names);
}

Errc read_startup_message(Reader& in, StartupMessage& out) {
  if (const Errc e = read_parameters(in, out); e != Errc::ok) return e;
  if (out.user.empty()) return Errc::no_user;
  if (out.database.empty()) out.database = out.user;
  return Errc::ok;
}

Errc read_cancel_key(Reader& in, CancelRequest& out) {
  if (const Errc e = in.u32(out.pid); e != Errc::ok) return e;
  const ByteView secret = in.rest();
  if (secret.size() < cancel_secret_min || secret.size() > cancel_secret_max)
    return Errc::length_out_of_range;
  out.secret.assign(secret.begin(), secret.end());
  return Errc::ok;
}

}  // namespace

Errc startup_packet_size(ByteView begun, std::size_t& size) {
  size = 0;
  // The bounds of the packet hold for each prefix of its length field, too: the missing bytes can only be
  // between all zeros and all ones.
  std::uint32_t least = 0;
  std::uint32_t most = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const bool known = i < begun.size();
    least = least << 8 | (known ? begun[i] : 0x00u);
    most = most << 8 | (known ? begun[i] : 0xffu);
  }
  if (least > startup_packet_max || most < startup_packet_min) return Errc::length_out_of_range;
  if (begun.size() >= 4) size = least;
  return Errc::ok;
}

Errc parse_startup_packet(ByteView body, StartupPacket& out) {
  if (body.size() > startup_body_max) return Errc::length_out_of_range;
  Reader in(body);
  std::uint32_t code = 0;
  if (const Errc e = in.u32(code); e != Errc::ok) return e;
  switch (code) {
    case ssl_request_code:
      out = SslRequest{};
      return in.end();
    case gssenc_request_code:
      out = GssEncRequest{};
      return in.end();
    case cancel_request_code:
      return read_cancel_key(in, out.emplace<CancelRequest>());
    default:
      break;
  }
  if (code >> 16 != protocol_major) return Errc::unsupported_protocol;
  auto& message = out.emplace<StartupMessage>();
  message.minor = static_cast<std::uint16_t>(code & 0xffff);
  return read_startup_message(in, message);
}

Errc parse_backend_key_data(ByteView body, CancelRequest& out) {
  Reader in(body);
  return read_cancel_key(in, out);
}

std::uint16_t negotiated_minor(const StartupMessage& message) {
  return std::min(message.minor, protocol_minor_max);
}

bool needs_negotiation(const StartupMessage& message) {
  return message.minor > protocol_minor_max || !message.protocol_options.empty();
}

std::size_t cancel_secret_size(std::uint16_t minor) {
  return minor >= 2 ? 32 : 4;
}

void write_startup_message(ByteBuffer& out, std::uint16_t minor, std::string_view user,
                           std::string_view database, std::span<const StartupParameter> parameters) {
  Writer w(out);
  w.begin_untyped().u32(version_code(protocol_major, minor));
  w.cstring("user").cstring(user).cstring("database").cstring(database);
  for (const StartupParameter& p : parameters) w.cstring(p.name).cstring(p.value);
  w.u8(0).end_message();
}

void write_cancel_request(ByteBuffer& out, std::uint32_t pid, ByteView secret) {
  Writer(out).begin_untyped().u32(cancel_request_code).u32(pid).raw(secret).end_message();
}

void write_ssl_request(ByteBuffer& out) {
  Writer(out).begin_untyped().u32(ssl_request_code).end_message();
}

void write_terminate(ByteBuffer& out) {
  Writer(out).begin_message('X').end_message();
}

void write_negotiate_protocol_version(ByteBuffer& out, std::uint16_t minor,
                                      std::span<const std::string> unknown_options) {
  Writer w(out);
  // The whole version, major included: that is what PostgreSQL sends and libpq expects.
  w.begin_message('v').u32(version_code(protocol_major, minor));
  w.u32(static_cast<std::uint32_t>(unknown_options.size()));
  for (const std::string& name : unknown_options) w.cstring(name);
  w.end_message();
}

void write_parameter_status(ByteBuffer& out, std::string_view name, std::string_view value) {
  Writer(out).begin_message('S').cstring(name).cstring(value).end_message();
}

void write_backend_key_data(ByteBuffer& out, std::uint32_t pid, ByteView secret) {
  Writer(out).begin_message('K').u32(pid).raw(secret).end_message();
}

void write_ready_for_query(ByteBuffer& out, char status) {
  assert(status == 'I' || status == 'T' || status == 'E');
  Writer(out).begin_message('Z').u8(static_cast<std::uint8_t>(status)).end_message();
}

}  // namespace pgweir
