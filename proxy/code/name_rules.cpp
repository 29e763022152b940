#include "proxy/code/name_rules.hpp"

#include <algorithm>

namespace pgweir {
namespace {

bool matches(const NameRule& rule, std::string_view name) {
  if (rule.name.back() != '*') return name == rule.name;
  return name.starts_with(rule.name.substr(0, rule.name.size() - 1));
}

}  // namespace

const NameRule* find_rule(std::span<const NameRule> rules, std::string_view name) {
  const auto found =
      std::find_if(rules.begin(), rules.end(), [&](const NameRule& rule) { return matches(rule, name); });
  return found == rules.end() ? nullptr : &*found;
}

void add_habit(FunctionEffects& effects, Habit habit) {
  switch (habit) {
    case Habit::leaves_nothing:
      return;
    case Habit::changes_threshold:
      return effects.add_setting("pg_trgm.similarity_threshold");
    case Habit::changes_locks:
      return effects.add_pin(Pin::advisory_lock);
    case Habit::keeps_hidden_state:
      return effects.add(FunctionVerdict::lasting);
    case Habit::runs_text:
      return effects.add_opaque();
    case Habit::is_not_reviewed:
      return effects.add(CodeKnowledge::unreviewed);
  }
}

}  // namespace pgweir
