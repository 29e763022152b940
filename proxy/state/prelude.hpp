// The prelude: SQL that brings a backend from what its last client had set to what the next one has. It goes
// out before a session's first statement on a backend whose `applied` differs, in the same write. Pure.
#pragma once

#include <string>
#include <vector>

#include "proxy/state/settings_map.hpp"

namespace pgweir {

// The timeouts among these settings that could end an own query.
std::vector<std::string> short_timeouts(const SettingMap& settings);
// SQL that lifts them until the end of its transaction, which is that of the whole string.
std::string lift_timeouts(const std::vector<std::string>& names);

// SQL that turns a backend with `applied` into one with `desired`; empty if there is nothing to do.
struct Prelude {
  std::string sql;
  // The prelude can fail: the statement after it must wait until it has succeeded, or it would run under the
  // settings of the backend's last client.
  bool must_wait = false;
};
// The login role changes the settings, or the role that `as` has, if it has any.
Prelude make_prelude(const SettingMap& applied, const SettingMap& desired, const SettingMap& as = {});

}  // namespace pgweir
