// Errors of this layer: what was wrong with the bytes. Callers turn them into SQLSTATEs and log lines.
#pragma once

#include <cstdint>
#include <string_view>

namespace pgweir {

enum class [[nodiscard]] Errc : std::uint8_t{
    ok = 0,
    truncated,              // a field reaches past the end of its message
    trailing_bytes,         // a message is longer than its fields
    missing_terminator,     // a string without its NUL
    length_out_of_range,    // a length field below its minimum or above its cap
    unknown_message,        // a type byte that this side must not send
    unsupported_protocol,   // a major version other than 3
    bad_startup,            // a malformed or forbidden startup packet
    no_user,                // a startup packet that names no user
    duplicate_parameter,    // the same startup parameter twice
    bad_options,            // a startup `options` value that PostgreSQL would refuse
    bad_scram,              // a SCRAM message that RFC 5802 forbids
    authentication_failed,  // well-formed, but the proof or the signature is wrong
    unsupported,            // understood, and refused on purpose
    downgraded,             // something on the way has weakened what was offered
    wrong_channel,          // the peer is at the end of another channel
    too_large,              // above a named limit of pgweir's
    crypto_failure,         // libcrypto refused an operation
};

// A short lower-case phrase for log lines. It never contains input.
std::string_view to_string(Errc e);

}  // namespace pgweir
