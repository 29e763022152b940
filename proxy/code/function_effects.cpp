#include "proxy/code/function_effects.hpp"

#include <algorithm>

#include "proxy/state/analysis_settings.hpp"
#include "proxy/state/settings_map.hpp"

namespace pgweir {

void FunctionEffects::add(FunctionVerdict other) {
  verdict = std::max(verdict, other);
}

void FunctionEffects::add(CodeKnowledge other) {
  knowledge = std::max(knowledge, other);
}

void FunctionEffects::add(StatementNames other) {
  statement_names = std::max(statement_names, other);
}

void FunctionEffects::add(const FunctionEffects& other) {
  add(other.verdict);
  add(other.knowledge);
  for (const std::string& name : other.settings) add_setting(name);
  all_named = all_named && other.all_named;
  pins.insert(other.pins);
  changes_schema = changes_schema || other.changes_schema;
  definitions.add(other.definitions);
  touches_context = touches_context || other.touches_context;
  add(other.statement_names);
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

}  // namespace pgweir
