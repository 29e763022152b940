// Calls of built-in functions whose names decide how long their effect lasts. Part of explain_pin. Any
// thread.
#pragma once

#include <string_view>

namespace pgweir {

struct ExplainedCalls {
  bool transaction_lock = false;  // an advisory lock that the end of the transaction releases
};
ExplainedCalls explain_calls(std::string_view text);

}  // namespace pgweir
