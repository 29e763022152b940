// The replies to pgweir's own queries. Thread rule: the session's worker.
#pragma once

#include <utility>

#include "protocol/error_response.hpp"
#include "protocol/framer.hpp"
#include "proxy/exchange/exchange.hpp"
#include "proxy/reply/reply_events.hpp"

namespace pgweir {

class OwnReplies final {
 public:
  OwnReplies(Exchange& exchange, ReplyEvents& events) : x_(exchange), events_(events) {}

  void take_row(const Piece& piece);
  void take_error(const Expected& failed, const ErrorView& error);
  // The oldest own query has ended.
  void end();
  // Whether a PREPARE that was sent again has failed.
  bool take_prepare_failed() { return std::exchange(prepare_failed_, false); }

 private:
  Exchange& x_;
  ReplyEvents& events_;
  ByteBuffer row_;  // the part of a row that has arrived
  bool prepare_failed_ = false;
};

}  // namespace pgweir
