// The settings that the model knows, and what their values may be. Values are kept in one canonical spelling:
// numbers in their base unit, booleans as on and off.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pgweir::simulation {

struct SettingDefinition {
  enum class Kind { boolean, integer, real, choice, text };
  enum class Unit { none, ms, kb, blocks };
  enum class Who { anyone, superuser, internal, postmaster };

  std::string_view name;
  Kind kind = Kind::text;
  std::string_view boot = {};
  // From this major version on it is there, and reported by ParameterStatus (0: never).
  int since = 0;
  int reported_since = 0;
  Unit unit = Unit::none;
  double min = 0;
  double max = 2147483647;
  std::string_view choices = {};  // separated by commas
  Who who = Who::anyone;
  bool hidden = false;   // not in pg_settings, and not in RESET ALL
  bool is_list = false;  // may be given several values
  bool quotes_list = false;
};

// Those of all versions. Sorted by name, without regard to case.
std::span<const SettingDefinition> setting_definitions();

// The canonical spelling of a value. Throws 22023; `given` is the setting's name as it was spelled, `version`
// the server's major one.
std::string canonical_setting(SettingDefinition setting, std::string_view given, std::string_view value,
                              int version);
// As SHOW spells the canonical value.
std::string shown_setting(const SettingDefinition& setting, const std::string& value);

// DateStyle depends on what it was.
std::string canonical_date_style(std::string_view value, std::string_view current);

}  // namespace pgweir::simulation
