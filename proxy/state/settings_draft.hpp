// SET and RESET whose effect is known without the server: there is none, or they return to a default that is
// not reported to the client. Part of local_answer. Any thread.
#pragma once

#include <optional>
#include <string_view>

#include "protocol/sql_cursor.hpp"
#include "proxy/state/settings_map.hpp"

namespace pgweir {

// A session's settings as the statements of one string would leave them, taken in their order. The maps must
// outlive it.
class SettingsDraft {
 public:
  SettingsDraft(const SettingMap& startup, const SettingMap& desired, const ParameterMap& view)
      : startup_(startup), desired_(desired), view_(view) {}

  // Takes one SET, which skip_strict_set() has accepted, or RESET, without its semicolon. False: the server
  // has to do it.
  [[nodiscard]] bool take(std::string_view statement);
  // Takes RESET ALL, which leaves role and session_authorization alone.
  [[nodiscard]] bool reset_all();

  // Whether neither role nor session_authorization was ever set.
  bool identity_is_default() const;
  bool standard_conforming_strings() const;
  // Whether the client is told of the start and end of each transaction.
  bool hears_debug_messages() const;
  // Whether unqualified names of functions are looked up in pg_catalog first.
  bool searches_catalog_first() const;
  // What SHOW would answer, and the name as the server spells it. nullptr: that is not certain, as a default
  // may change at any time.
  const ParameterMap::value_type* shown(std::string_view lower) const;

  // The new desired map; nullopt: as it was.
  std::optional<SettingMap> take_result() { return std::move(changed_); }

 private:
  bool reset(const std::string& name);
  bool set(const std::string& name, const std::string& value);
  const SettingMap& now() const { return changed_ ? *changed_ : desired_; }
  SettingMap& change();
  const ParameterMap::value_type* reported(std::string_view lower) const;

  const SettingMap& startup_;
  const SettingMap& desired_;
  const ParameterMap& view_;
  std::optional<SettingMap> changed_;
};

// At SET: moves to the end of the statement. False: the text may cause a notice, or have a syntax error,
// which parse_set() does not look for.
[[nodiscard]] bool skip_strict_set(SqlCursor& cursor);

}  // namespace pgweir
