// Which settings decide what a statement means when it is analysed, and how it is planned. Pure; any thread.
#pragma once

#include <string_view>

#include "proxy/state/settings_map.hpp"

namespace pgweir {

// Whether parse analysis or planning may read the setting: all but those that are known to be read by
// neither. See analysis_settings().
bool matters_to_analysis(std::string_view name);
// The settings of a map that matter to analysis. Statements are shared between clients that have the same
// ones.
SettingMap analysis_settings(const SettingMap& settings);
// Whether PostgreSQL itself analyses a statement again when the setting has changed (plancache.c; row_security where that
// matters).
bool is_looked_at_again(std::string_view name);
// Those of them that PostgreSQL does not look at when it uses a statement: it may have analysed or planned it anew under
// one client's, and goes on with that under another's.
SettingMap plan_settings(const SettingMap& settings);
// Whether literals are read alike under two such maps.
bool are_read_alike(const SettingMap& one, const SettingMap& other);
// Whether two such maps differ, if at all, only in settings by which an analysis reads literals, and which planning does not
// read: DateStyle, TimeZone, standard_conforming_strings and the like.
bool differ_in_reading(const SettingMap& one, const SettingMap& other);

}  // namespace pgweir
