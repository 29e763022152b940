// What has happened while the server's replies were looked at, for the session to act on.
#pragma once

#include <cstdint>

#include "proxy/base/enum_set.hpp"

namespace pgweir {

enum class ReplyEvent : std::uint8_t {
  query_done,        // the client has got a ReadyForQuery
  transaction_done,  // and is in no transaction
  batch_failed,      // unseen, and it may be sent again
  prelude_failed,
  state_answered,
  last_value_answered,
  triggers_answered,
  sources_answered,
  defaults_changed,  // what a fresh login gets on this server
};
using ReplyEvents = EnumSet<ReplyEvent, std::uint16_t>;

}  // namespace pgweir
