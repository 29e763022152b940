// The requests of a session that listens: which statements are followed, and which have to wait until the hub
// listens, too. See listen_state.hpp. Keeps nothing itself: works on the session's Exchange. Thread rule: the
// session's worker.
#pragma once

#include <string_view>

#include "protocol/framer.hpp"
#include "protocol/sql_effects.hpp"
#include "proxy/exchange/exchange.hpp"
#include "proxy/exchange/request_outcome.hpp"

namespace pgweir {

class ListenFollower final {
 public:
  explicit ListenFollower(Exchange& exchange) : x_(exchange) {}

  Progress follow_query(std::string_view text, bool understood, const SqlEffects& effects,
                        Expected& expected);
  void follow_bind(std::string_view portal, const StatementRef& statement);
  Progress follow_execute(const Piece& piece, Expected& expected);
  Progress show_channels(std::string_view text);

 private:
  bool status_is_known() const;
  TransactionStatus transaction_status() const;

  Exchange& x_;
};

}  // namespace pgweir
