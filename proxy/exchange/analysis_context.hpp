// The settings of a session that parse analysis would read at this moment: a statement means what it meant
// when it was parsed under them. Thread rule: the session's worker.
#pragma once

#include <string_view>

#include "proxy/exchange/exchange.hpp"

namespace pgweir {

struct AnalysisContext {
  MapRef settings;          // interned; null: they are not known, and a text parsed now is not shared
  bool is_certain = false;  // false: code that is not judged yet has run
};

AnalysisContext analysis_context(const Exchange& exchange);
// What an unnamed statement keeps as its context, as it is parsed each time that it is used: all that its client has
// set. Null where that is not just what is in force.
MapRef settings_of_unnamed(const Exchange& exchange);
// Whether the statement was parsed under the settings that are in force now: if the server then refuses its
// plan, DDL is the cause, and not another search_path that finds other tables.
bool is_in_its_context(const Exchange& exchange, const Statement& statement);
// Whether it was parsed under others. Neither holds where it is not known what is in force.
bool is_in_another_context(const Exchange& exchange, const Statement& statement);
// Whether a text that was analysed under one of them means under the other what it would mean if it were analysed
// there, as far as PostgreSQL does not see to it by itself: literals and the way that texts are read.
bool reads_alike(const SettingMap& one, const SettingMap& other);
// Whether any setting but those may decide what the text means: it has a string (which may be a date), a character that
// is not ASCII, or NULL (transform_null_equals).
bool is_read_by_settings(std::string_view text);

}  // namespace pgweir
