// Asking the server what a session has left behind: settings, and what would pin it. One query, made of the
// parts that are in question. Pure; thread rule: none.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proxy/pin.hpp"
#include "proxy/session_state.hpp"

namespace pgweir {

struct StateQuestion {
  bool settings = false;
  std::vector<std::string> custom;  // settings with a dot that may exist: the server does not list them
  PinSet pins;                      // of visible_pins
  std::vector<std::string> lifted;  // timeouts of the client's that must not end the question
  bool empty() const { return !settings && pins.empty(); }
};

// What differs from a fresh login, as far as it was asked for.
struct StateAnswer {
  SettingMap settings;
  PinSet pins;
};

// SQL whose rows are (name, value): settings, the value null for a custom one that does not exist; pins have
// an empty name and their own as value. What is not ASCII comes as the hexadecimal digits of its UTF-8, name
// and value, behind a blank before the name: not every client_encoding can express it. Qualified throughout,
// because the session's search_path is anybody's.
std::string state_query(const StateQuestion& question);

// Takes one row, unless it says what a fresh login of `login_user` has anyway.
void take_state_row(std::string_view name, std::string_view value, std::string_view login_user,
                    StateAnswer& out);

// The names of settings in which a backend differs from what it is believed to have; for the audit. Values
// are compared only where both are spelled by the server.
std::vector<std::string> differing_settings(const SettingMap& believed, const SettingMap& found);

}  // namespace pgweir
