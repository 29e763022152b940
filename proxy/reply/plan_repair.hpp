// Whether an error of the server is about a prepared statement, and can be mended unseen by the client. Keeps
// nothing itself: works on the session's Exchange. Thread rule: the session's worker.
#pragma once

#include <cstdint>
#include <string_view>

#include "protocol/error_response.hpp"
#include "proxy/exchange/exchange.hpp"

namespace pgweir {

class PlanRepair final {
 public:
  explicit PlanRepair(Exchange& exchange) : x_(exchange) {}

  enum class Kind : std::uint8_t {
    no,
    parse_again,  // the statement is gone from the server
    renew,        // the statement has changed
  };
  // Also makes sure that a stale statement is not used again.
  Kind begin(const Expected& failed, const ErrorView& error, const StatementRef& about,
             std::string_view client_name);

 private:
  bool may_send_again(const Expected& failed) const;

  Exchange& x_;
};

}  // namespace pgweir
