#include "protocol/errc.hpp"

namespace pgweir {

std::string_view to_string(Errc e) {
  switch (e) {
    case Errc::ok:
      return "ok";
    case Errc::truncated:
      return "message is shorter than its fields";
    case Errc::trailing_bytes:
      return "message is longer than its fields";
    case Errc::missing_terminator:
      return "string without terminator";
    case Errc::length_out_of_range:
      return "message length out of range";
    case Errc::unknown_message:
      return "unknown message type";
    case Errc::unsupported_protocol:
      return "unsupported protocol version";
    case Errc::bad_startup:
      return "malformed startup packet";
    case Errc::no_user:
      return "no user in startup packet";
    case Errc::duplicate_parameter:
      return "duplicate startup parameter";
    case Errc::bad_options:
      return "malformed options parameter";
    case Errc::bad_scram:
      return "malformed SCRAM message";
    case Errc::authentication_failed:
      return "authentication failed";
    case Errc::downgraded:
      return "channel binding was left out by somebody in between";
    case Errc::wrong_channel:
      return "channel binding to another channel";
    case Errc::unsupported:
      return "not supported";
    case Errc::too_large:
      return "larger than the limit";
    case Errc::crypto_failure:
      return "cryptographic library failure";
  }
  return "unknown error";
}

}  // namespace pgweir
