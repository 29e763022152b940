// SET, RESET, SHOW and set_config(), also for the settings that are not kept in Settings.
#pragma once

#include "tests/simulation/model/session_state.hpp"

namespace pgweir::simulation {

class SettingCommands {
 public:
  explicit SettingCommands(SessionState& state) : s_(state) {}
  std::string run(const SetCommand& command);  // returns the tag
  std::string run(const SetTransaction& command);
  std::string run(const AlterDefaults& command);
  void set_config(const std::string& name, const Value& value, bool local);
  std::optional<std::string> shown(const std::string& name) const;
  std::string spelled(const std::string& name) const;
  void discard_all();

  // The parameters that a client is told of, in the server's order.
  std::vector<std::pair<std::string, std::string>> reported() const;

 private:
  bool set_transaction(const std::string& name, const Value& value);
  SessionState& s_;
};

}  // namespace pgweir::simulation
