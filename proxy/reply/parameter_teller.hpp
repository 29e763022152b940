// What the client is told of its settings: ParameterStatus, the server's own or ours. A view of the exchange.
// Thread rule: the session's worker.
#pragma once

#include <string_view>

#include "protocol/backend.hpp"
#include "protocol/framer.hpp"
#include "proxy/exchange/exchange.hpp"

namespace pgweir {

class ParameterTeller final {
 public:
  explicit ParameterTeller(Exchange& exchange) : x_(exchange) {}

  // A ParameterStatus, of a query of ours or not.
  bool take(const Piece& piece, bool is_own);
  // The parameters that the backend has and the client does not know.
  void tell();
  void tell_restored();

 private:
  std::string_view value_for_client(const ParameterStatusView& status) const;

  Exchange& x_;
};

}  // namespace pgweir
