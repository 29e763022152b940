#include "proxy/code/function_effects.hpp"

#include <algorithm>
#include <array>

#include "protocol/sql_facts.hpp"
#include "proxy/state/analysis_settings.hpp"
#include "proxy/state/settings_map.hpp"
#include "proxy/state/sql_quote.hpp"

namespace pgweir {
namespace {

enum class Habit : std::uint8_t {
  changes_role,
  changes_threshold,
  changes_locks,
  keeps_hidden_state,
  runs_text
};

struct NameRule {
  std::string_view name;  // or its beginning, if it ends with '*'
  Habit habit;
};

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

// Functions of well-known extensions.
constexpr std::array<NameRule, 15> extensions{{
    {"connectby*", Habit::runs_text},
    {"crosstab*", Habit::runs_text},
    {"dbms_alert_*", Habit::keeps_hidden_state},
    {"dbms_output_*", Habit::keeps_hidden_state},
    {"dbms_pipe_*", Habit::keeps_hidden_state},
    {"dbms_random_*", Habit::keeps_hidden_state},
    {"hypopg*", Habit::keeps_hidden_state},
    {"isn_weak", Habit::keeps_hidden_state},
    {"pgv_*", Habit::keeps_hidden_state},
    {"reset_user", Habit::changes_role},
    {"set_limit", Habit::changes_threshold},
    {"set_session_auth", Habit::changes_role},
    {"set_user", Habit::changes_role},
    {"set_user_u", Habit::changes_role},
    {"xpath_table", Habit::runs_text},
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

bool matches(const NameRule& rule, std::string_view name) {
  if (rule.name.back() != '*') return name == rule.name;
  return name.starts_with(rule.name.substr(0, rule.name.size() - 1));
}

SqlFacts facts_of_call(std::string_view name) {
  return scan_facts("select " + quote_identifier(name) + "()");
}

void add_habit(FunctionEffects& effects, Habit habit) {
  switch (habit) {
    case Habit::changes_role:  // the extension set_user
      for (const std::string_view name : {"role", "session_authorization", "log_statement"})
        effects.add_setting(std::string(name));
      return;
    case Habit::changes_threshold:  // pg_trgm
      effects.add_setting("pg_trgm.similarity_threshold");
      return;
    case Habit::changes_locks:
      effects.add_pin(Pin::advisory_lock);
      return;
    case Habit::keeps_hidden_state:
      effects.add(FunctionVerdict::lasting);
      return;
    case Habit::runs_text:
      effects.add_opaque();
      return;
  }
}

template <std::size_t n>
bool look_up(const std::array<NameRule, n>& rules, std::string_view name, FunctionEffects& effects) {
  for (const NameRule& rule : rules) {
    if (!matches(rule, name)) continue;
    add_habit(effects, rule.habit);
    return true;
  }
  return false;
}

}  // namespace

void FunctionEffects::add(FunctionVerdict other) {
  verdict = std::max(verdict, other);
}

void FunctionEffects::add(const FunctionEffects& other) {
  add(other.verdict);
  for (const std::string& name : other.settings) add_setting(name);
  all_named = all_named && other.all_named;
  pins.insert(other.pins);
  changes_schema = changes_schema || other.changes_schema;
  touches_context = touches_context || other.touches_context;
}

void FunctionEffects::add_setting(std::string name) {
  if (name == seed_setting) return add(FunctionVerdict::lasting);
  if (std::find(settings.begin(), settings.end(), name) != settings.end()) return;
  if (settings.size() >= settings_max) {
    add(FunctionVerdict::lasting);
    return add_unnamed_setting();
  }
  add(FunctionVerdict::suspicious);
  touches_context = touches_context || matters_to_analysis(name);
  settings.push_back(std::move(name));
}

void FunctionEffects::add_unnamed_setting() {
  add(FunctionVerdict::suspicious);
  all_named = false;
  touches_context = true;
}

void FunctionEffects::add_pin(Pin pin) {
  add(FunctionVerdict::suspicious);
  pins.insert(pin);
}

void FunctionEffects::add_opaque() {
  add_unnamed_setting();
  pins.insert(visible_pins);
  changes_schema = true;
}

FunctionEffects effects_of_name(std::string_view name) {
  FunctionEffects effects;
  look_up(builtins, name, effects);
  look_up(extensions, name, effects);
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
