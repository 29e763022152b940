#include "tests/simulation/model/state_answers.hpp"

#include <algorithm>

#include "protocol/sql_tokenizer.hpp"
#include "tests/simulation/model/cluster.hpp"
#include "tests/simulation/model/evaluation.hpp"
#include "tests/simulation/model/setting_commands.hpp"

namespace pgweir::simulation {
namespace {

std::string in_hex(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string hex;
  for (const char c : text) {
    hex += digits[static_cast<unsigned char>(c) >> 4];
    hex += digits[static_cast<unsigned char>(c) & 15];
  }
  return hex;
}

// in_ascii(): where anything is not ASCII, both come in hexadecimal.
Row in_ascii(const std::string& name, const Value& value) {
  const std::string both = value ? name + *value : std::string();
  const bool other =
      std::any_of(both.begin(), both.end(), [](char c) { return static_cast<unsigned char>(c) > 0x7f; });
  if (!other) return {name, value};
  return {' ' + in_hex(name), in_hex(*value)};
}

// The setting's value as pg_settings has it, where the session itself has set it.
Value listed_value(const SessionState& state, const std::string& name) {
  for (const Settings::Listed& listed : state.settings.of_session()) {
    if (ascii_lower(listed.name) == name) return listed.value;
  }
  return std::nullopt;
}

Row answer_name(SessionState& state, const std::string& name, bool listed) {
  return in_ascii(name, listed ? listed_value(state, name) : SettingCommands(state).shown(name));
}

bool is_listed(const std::string& name) {
  return name.find('.') == std::string::npos && name != "role" && name != "session_authorization";
}

void add_settings(SessionState& state, const StatePart& part, std::vector<Row>& rows) {
  for (const Settings::Listed& listed : state.settings.of_session()) {
    const bool excluded =
        std::find(part.excluded.begin(), part.excluded.end(), listed.name) != part.excluded.end();
    if (!excluded) rows.push_back(in_ascii(listed.name, listed.value));
  }
  for (const char* const name : {"role", "session_authorization"})
    rows.push_back(answer_name(state, name, false));
}

Row statements_kept(const SessionState& state) {
  Value list;
  for (const auto& [name, prepared] : state.prepared) {
    if (!name.starts_with(own_statement_prefix)) continue;
    list = (list ? *list + ',' : std::string()) + name + (prepared.from_sql ? 't' : 'f');
  }
  return in_ascii("=statements", list);
}

}  // namespace

bool has_pin(const SessionState& state, std::string_view pin) {
  if (pin == "temporary_object") {
    const Catalog& catalog = state.cluster.catalog(state.database);
    return !catalog.in_schema(state.temporary_schema(), state.transaction.id).empty();
  }
  if (pin == "advisory_lock") return state.cluster.locks().holds_advisory(state.pid);
  if (pin == "holdable_cursor") {
    return std::any_of(state.portals.begin(), state.portals.end(),
                       [](const auto& entry) { return entry.second->hold; });
  }
  if (pin == "listen") return !state.listening.empty();
  if (pin == "sql_prepare") {
    return std::any_of(state.prepared.begin(), state.prepared.end(), [](const auto& entry) {
      return entry.second.from_sql && !entry.first.starts_with(own_statement_prefix);
    });
  }
  not_understood("pin " + std::string(pin));
}

std::vector<Row> answer_state(SessionState& state, const StateQuestion& question,
                              const std::vector<Value>& parameters, Replay& replay) {
  std::vector<Row> rows;
  if (question.about_array) {
    for (const std::string& name : array_elements(parameters.at(0).value_or("{}")))
      rows.push_back(answer_name(state, name, is_listed(name)));
    return rows;
  }
  for (const StatePart& part : question.parts) {
    switch (part.kind) {
      case StatePart::Kind::settings:
        add_settings(state, part, rows);
        break;
      case StatePart::Kind::name:
        rows.push_back(
            answer_name(state, *Evaluator(state, parameters, replay).evaluate(*part.name), part.listed));
        break;
      case StatePart::Kind::names:
        for (const ExpressionPtr& each : part.name->arguments) {
          const std::string name = *Evaluator(state, parameters, replay).evaluate(*each);
          rows.push_back(answer_name(state, name, is_listed(name)));
        }
        break;
      case StatePart::Kind::statements:
        rows.push_back(statements_kept(state));
        break;
      case StatePart::Kind::pin:
        if (has_pin(state, part.text)) rows.push_back({"", part.text});
        break;
    }
  }
  return rows;
}

// Roles of the model never expire.
std::vector<Row> answer_fixed(const SessionState& state, const FixedQuestion& question) {
  if (!question.about_role) return {};
  const ModelRole* const role = state.cluster.find_role(state.identity.session_user());
  if (role == nullptr) return {};
  return {{state.identity.session_user(), role->can_login ? "t" : "f", std::nullopt}};
}

}  // namespace pgweir::simulation
