// Asking the server what a session has left behind: settings, and what would pin it. One query, made of the
// parts that are in question. Pure; thread rule: none.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proxy/base/pin.hpp"
#include "proxy/state/settings_map.hpp"

namespace pgweir {

struct StateQuestion {
  bool settings = false;  // all settings that the server lists
  // These settings, by their names; the server does not list custom ones (with a dot).
  std::vector<std::string> names;
  PinSet pins;                      // of visible_pins
  bool statements = false;          // which prepared statements of pgweir's there are
  std::vector<std::string> lifted;  // timeouts that the client has set, which must not end the question
  bool empty() const { return !settings && names.empty() && pins.empty() && !statements; }
  // Whether names_query() can ask it.
  bool is_about_names() const {
    return !names.empty() && !settings && pins.empty() && !statements && lifted.empty();
  }
};

// The differences from a fresh login, as far as they were asked for.
struct StateAnswer {
  SettingMap settings;
  PinSet pins;
  std::string statements;  // BackendStatements::listing()
};

// SQL whose rows are (name, value): settings, the value null for a custom one that does not exist; pins have
// an empty name and their own as value. What is not ASCII comes as the hexadecimal digits of its UTF-8, name
// and value, after a blank before the name: not every client_encoding can express it. All names are
// qualified, because the session's search_path can be anything.
std::string state_query(const StateQuestion& question);

// What follows the name in a PREPARE of the question about settings by their names, and the argument of its
// EXECUTE. Its rows are those of state_query().
std::string names_query();
std::string names_array(const std::vector<std::string>& names);

// The state of a fresh login.
struct LoginState {
  std::string_view user;
  std::string_view role = "none";
};
// Takes one row, unless it is what a fresh login has anyway.
void take_state_row(std::string_view name, std::string_view value, const LoginState& login, StateAnswer& out);

// The names of settings in which a backend differs from what it is believed to have; for the audit. Values
// are compared only where both are spelled by the server. `found` lacks what a fresh login has anyway.
std::vector<std::string> differing_settings(const SettingMap& believed, const SettingMap& found,
                                            const LoginState& login);

}  // namespace pgweir
