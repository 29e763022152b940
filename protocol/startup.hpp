// The first packet of a connection, and the messages around it that belong to no authentication method.
// (PostgreSQL documentation, 55.2.1 "Start-up", 55.2.9 "Canceling", 55.7 "Message Formats"; protocol 3.0
// and 3.2.)
//
//   | Int32 length, itself included | Int32 code or version | body ... |
//     `-- startup_packet_size()       `-- parse_startup_packet() takes everything from here on
//
// Pure functions of their arguments: any thread. Parsers copy what they return; builders append one whole
// message to the caller's buffer. Texts given to builders must not contain NUL.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "protocol/bytes.hpp"

namespace pgweir {

// Bounds of the length field. PostgreSQL limits what follows that field to MAX_STARTUP_PACKET_LENGTH (10000),
// so a packet of 10004 bytes is the longest that it reads, and therefore the longest that pgweir reads.
inline constexpr std::size_t startup_packet_min = 8;
inline constexpr std::size_t startup_body_max = 10000;
inline constexpr std::size_t startup_packet_max = startup_body_max + 4;

// Secrets of CancelRequest and BackendKeyData: 4 bytes in protocol 3.0, up to 256 from 3.2 on.
inline constexpr std::size_t cancel_secret_min = 4;
inline constexpr std::size_t cancel_secret_max = 256;

inline constexpr std::uint16_t protocol_major = 3;
inline constexpr std::uint16_t protocol_minor_max = 2;  // the newest 3.x that pgweir speaks

struct StartupParameter {
  std::string name;   // as the client spelled it; PostgreSQL compares setting names without regard to case
  std::string value;  // may be empty

  bool operator==(const StartupParameter&) const = default;
};

struct StartupMessage {
  std::uint16_t minor = 0;  // what the client asked for; see negotiated_minor()
  std::string user;         // never empty
  std::string database;     // the user's name where the client named none
  std::string options;      // raw `options` value, empty when absent; see protocol/startup_options.hpp
  std::vector<StartupParameter> parameters;   // everything else, in the client's order
  std::vector<std::string> protocol_options;  // names of `_pq_.` options; pgweir knows none of them
  bool replication = false;                   // a replication connection is asked for
};

struct SslRequest {};
struct GssEncRequest {};

// The key that names one session: a backend hands it out as BackendKeyData, a cancel request brings it back.
struct CancelRequest {
  std::uint32_t pid = 0;
  ByteBuffer secret;  // cancel_secret_min to cancel_secret_max bytes
};

using StartupPacket = std::variant<StartupMessage, SslRequest, GssEncRequest, CancelRequest>;

// Looks at the bytes that have arrived so far (any number of them, at least the length field is inspected).
// `size` is the whole packet's size, length field included, or 0 while too few bytes are here to tell.
// length_out_of_range comes as early as the bytes allow: a TLS ClientHello (0x16) and HTTP text fail at their
// first byte, so that pgweir does not wait for a packet that cannot end.
Errc startup_packet_size(ByteView begun, std::size_t& size);

// `body` is everything after the length field, complete. Refuses (nothing in `out` is valid then):
//   unsupported_protocol  a major version other than 3
//   duplicate_parameter   a name that comes twice, without regard to case. PostgreSQL lets the last one
//                         win; a proxy that authorises one and forwards another has been bypassed before.
//   missing_terminator, trailing_bytes, truncated, length_out_of_range
//                         broken layout, secret of a forbidden size
//   no_user               no user name, or an empty one
//   bad_startup           `replication` that is neither a boolean nor "database"
// Whatever the error, `out` holds a CancelRequest exactly when the packet was meant to be one.
Errc parse_startup_packet(ByteView body, StartupPacket& out);

// The minor version that this connection speaks from now on: the smaller of both sides' newest. 3.1 was never
// released, and PostgreSQL 18 grants it silently with the keys of 3.0. So does pgweir.
std::uint16_t negotiated_minor(const StartupMessage& message);

// Whether NegotiateProtocolVersion must be sent, before anything else: the client asked for a newer minor, or
// sent protocol options.
bool needs_negotiation(const StartupMessage& message);

// Size of the secret to give a client: 32 bytes from 3.2 on, as PostgreSQL 18 does, otherwise 4.
std::size_t cancel_secret_size(std::uint16_t minor);

// Sent by a frontend (by pgweir to a backend).
void write_startup_message(ByteBuffer& out, std::uint16_t minor, std::string_view user,
                           std::string_view database, std::span<const StartupParameter> parameters);
void write_cancel_request(ByteBuffer& out, std::uint32_t pid, ByteView secret);
void write_ssl_request(ByteBuffer& out);
void write_terminate(ByteBuffer& out);

// Reads the body of BackendKeyData, which a backend sends. length_out_of_range: a secret of a forbidden size.
Errc parse_backend_key_data(ByteView body, CancelRequest& out);

// Sent by a backend (by pgweir to a client).
void write_negotiate_protocol_version(ByteBuffer& out, std::uint16_t minor,
                                      std::span<const std::string> unknown_options);
void write_parameter_status(ByteBuffer& out, std::string_view name, std::string_view value);
void write_backend_key_data(ByteBuffer& out, std::uint32_t pid, ByteView secret);
void write_ready_for_query(ByteBuffer& out, char status);  // 'I', 'T' or 'E'

}  // namespace pgweir
