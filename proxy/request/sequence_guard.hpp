// currval() and lastval() must never show another session's values. Keeps nothing itself: works on the
// session's Exchange. Thread rule: the session's worker.
#pragma once

#include <string_view>

#include "protocol/sql_effects.hpp"
#include "proxy/exchange/exchange.hpp"
#include "proxy/exchange/request_outcome.hpp"

namespace pgweir {

class SequenceGuard final {
 public:
  explicit SequenceGuard(Exchange& exchange) : x_(exchange) {}

  Progress guard(const SqlEffects& effects, std::string_view text);
  void guard_batch(const Statement& statement);
  // Something that ran unseen may have taken the next value of a sequence.
  void note_advance();

 private:
  Progress take_over(const SqlEffects& effects, std::string_view text);
  void leave_older_values();

  Exchange& x_;
};

}  // namespace pgweir
