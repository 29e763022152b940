// What has happened while the server's replies were looked at, for the session to act on.
#pragma once

#include <cstdint>

#include "protocol/enum_set.hpp"

namespace pgweir {

enum class ReplyEvent : std::uint8_t {
  query_done,        // the client has got a ReadyForQuery
  transaction_done,  // the client has got a ReadyForQuery that says idle
  batch_failed,      // a batch has ended that is to be sent again; the client has not got its ReadyForQuery
  prelude_failed,
  state_answered,
  last_value_answered,
  triggers_answered,
  sources_answered,
  defaults_changed,  // a fresh login on this server gets other settings
};
using ReplyEvents = EnumSet<ReplyEvent, std::uint16_t>;

}  // namespace pgweir
