// The settings of a session that parse analysis would read at this moment: a statement means what it meant
// when it was parsed under them. Thread rule: the session's worker.
#pragma once

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
// The settings under which PostgreSQL would analyse and plan a statement now that it has had for a while, as far as it
// does not see by itself that they have changed: see plan_settings() of a map. Interned; null: they are not known.
MapRef plan_settings(const Exchange& exchange);
// Whether they are those under which the statement was parsed. False where that is not known.
bool is_planned_alike(const Exchange& exchange, const Statement& statement);
// Where is_planned_alike() is false: whether the settings differ only in how literals are read, see differ_in_reading().
bool is_only_read_otherwise(const Exchange& exchange, const Statement& statement);
// Whether its literals would be read now as they were at its Parse.
bool is_read_alike(const Exchange& exchange, const Statement& statement);

}  // namespace pgweir
