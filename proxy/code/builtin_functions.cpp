#include "proxy/code/builtin_functions.hpp"

#include <array>
#include <span>

#include "protocol/sql_facts.hpp"
#include "proxy/code/name_rules.hpp"
#include "proxy/state/sql_quote.hpp"

namespace pgweir {
namespace {

// Functions of PostgreSQL for which scan_facts() has no fact; replication slots may be temporary.
constexpr std::array<NameRule, 7> builtins{{
    {"pg_copy_logical_replication_slot", Habit::keeps_hidden_state},
    {"pg_copy_physical_replication_slot", Habit::keeps_hidden_state},
    {"pg_create_logical_replication_slot", Habit::keeps_hidden_state},
    {"pg_create_physical_replication_slot", Habit::keeps_hidden_state},
    {"query_to_xml*", Habit::runs_text},
    {"ts_rewrite", Habit::runs_text},
    {"ts_stat", Habit::runs_text},
}};

// The names in C of built-in functions that leave something behind: superusers can give them other names.
constexpr std::array<NameRule, 8> symbols{{
    {"pg_advisory_lock_*", Habit::changes_locks},
    {"pg_advisory_unlock_*", Habit::changes_locks},
    {"pg_copy_logical_replication_slot_*", Habit::keeps_hidden_state},
    {"pg_copy_physical_replication_slot_*", Habit::keeps_hidden_state},
    {"pg_try_advisory_lock_*", Habit::changes_locks},
    {"set_config_by_name", Habit::runs_text},
    {"ts_stat*", Habit::runs_text},
    {"tsquery_rewrite_query", Habit::runs_text},
}};

SqlFacts facts_of_call(std::string_view name) {
  return scan_facts("select " + quote_identifier(name) + "()");
}

bool look_up(std::span<const NameRule> rules, std::string_view name, FunctionEffects& effects) {
  const NameRule* const rule = find_rule(rules, name);
  if (rule != nullptr) add_habit(effects, rule->habit);
  return rule != nullptr;
}

}  // namespace

FunctionEffects effects_of_name(std::string_view name) {
  FunctionEffects effects;
  look_up(builtins, name, effects);
  look_up(symbols, name, effects);
  const SqlFacts facts = facts_of_call(name);
  if (facts.contains(SqlFact::keeps_hidden_state)) effects.add(FunctionVerdict::lasting);
  if (facts.contains(SqlFact::set_config)) effects.add_opaque();
  if (facts.contains(SqlFact::session_advisory_lock) || facts.contains(SqlFact::advisory_unlock)) {
    effects.add_pin(Pin::advisory_lock);
  }
  return effects;
}

bool find_builtin(std::string_view name, FunctionEffects& effects) {
  return look_up(builtins, name, effects);
}

bool has_own_fact(std::string_view name) {
  SqlFacts unknown;
  unknown.insert(SqlFact::calls_unknown_function);
  const SqlFacts facts = facts_of_call(name);
  return !facts.empty() && facts != unknown;
}

}  // namespace pgweir
