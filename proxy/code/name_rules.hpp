// What well-known functions leave behind in their session, told by their names. Pure; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "proxy/code/function_effects.hpp"

namespace pgweir {

enum class Habit : std::uint8_t {
  leaves_nothing,
  changes_threshold,  // pg_trgm's, which the server shows
  changes_locks,
  keeps_hidden_state,  // for as long as the session lives
  runs_text,           // or code that it is told by name, or DDL
  is_not_reviewed,
};

struct NameRule {
  std::string_view name;  // or its beginning, if it ends with '*'
  Habit habit;
};

// Null: none of them fits. The first that does counts.
const NameRule* find_rule(std::span<const NameRule> rules, std::string_view name);
void add_habit(FunctionEffects& effects, Habit habit);

}  // namespace pgweir
