// Restores the settings that the client brought at startup after a RESET or DISCARD ALL. Keeps nothing itself:
// works on the session's Exchange. Thread rule: the session's worker.
#pragma once

#include <string_view>

#include "protocol/frontend.hpp"
#include "protocol/sql_verb.hpp"
#include "proxy/exchange/exchange.hpp"
#include "proxy/exchange/request_outcome.hpp"

namespace pgweir {

class StartupRestorer final {
 public:
  explicit StartupRestorer(Exchange& exchange) : x_(exchange) {}

  bool loses_startup(Verb verb, std::string_view text) const;
  void restore();
  Progress restore_after_discard(FrontendType next);

 private:
  Exchange& x_;
};

}  // namespace pgweir
