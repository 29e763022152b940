// What the client is told of its settings, by the server's ParameterStatus or by pgweir's own. Keeps nothing
// itself: works on the session's Exchange. Thread rule: the session's worker.
#pragma once

#include <cstdint>
#include <string_view>

#include "protocol/backend.hpp"
#include "protocol/framer.hpp"
#include "proxy/exchange/exchange.hpp"

namespace pgweir {

class ParameterTeller final {
 public:
  explicit ParameterTeller(Exchange& exchange) : x_(exchange) {}

  // What becomes of the server's own message.
  enum class Verdict : std::uint8_t { forward, keep, violation };
  // Looks at a ParameterStatus. `is_own`: an own query has caused it.
  Verdict take(const Piece& piece, bool is_own);
  // Tells the client the parameters of the backend that it does not know yet.
  void tell();
  void tell_restored();

 private:
  std::string_view value_for_client(const ParameterStatusView& status) const;

  Exchange& x_;
};

}  // namespace pgweir
