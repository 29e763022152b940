// NotificationResponse ('A'): the process id of the notifying server process, a channel and a payload.
// PostgreSQL documentation, 55.7 "Message Formats".
#pragma once

#include <cstdint>
#include <string_view>

#include "protocol/bytes.hpp"

namespace pgweir {

struct NotificationView {
  std::uint32_t pid = 0;
  std::string_view channel;  // in the client_encoding of its connection, like the payload
  std::string_view payload;
};

// Parses a body without header. The views live as long as it.
Errc parse_notification(ByteView body, NotificationView& out);

}  // namespace pgweir
