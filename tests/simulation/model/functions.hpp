// The functions that the model has.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "tests/simulation/model/session_state.hpp"

namespace pgweir::simulation {

struct FunctionDefinition {
  std::string_view name;
  std::vector<Oid> arguments;
  Oid result;
  bool strict = true;  // null for a null
  bool acts = false;   // has an effect, or may wait
  Value (*run)(SessionState& state, const std::vector<Value>& arguments, Replay& replay) = nullptr;
};

std::span<const FunctionDefinition> function_definitions();

}  // namespace pgweir::simulation
