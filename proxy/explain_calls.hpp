// Calls of built-in functions whose arguments or names decide how long their effect lasts. Part of
// explain_pin. Any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace pgweir {

struct SetConfigCall {
  std::string name;    // folded; empty: the text does not show it
  bool local = false;  // ends with the transaction: its third argument is the word true
};

struct ExplainedCalls {
  // More calls of set_config() are left out.
  static constexpr std::size_t set_config_max = 100;

  std::vector<SetConfigCall> set_config;
  bool transaction_lock = false;  // an advisory lock that the end of the transaction releases
};
ExplainedCalls explain_calls(std::string_view text);

}  // namespace pgweir
