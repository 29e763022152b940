// What parse analysis would read of a session's settings at this moment: a statement means what it meant when
// it was parsed under them. Thread rule: the session's worker.
#pragma once

#include "proxy/exchange/exchange.hpp"

namespace pgweir {

struct AnalysisContext {
  MapRef settings;          // interned; null: not known, and a text parsed now is shared with nobody
  bool is_certain = false;  // false: some code that has run nobody has read yet
};

AnalysisContext analysis_context(const Exchange& exchange);
// Whether the statement was parsed under what is in force now: if the server refuses its plan, that is for
// DDL, and not because another search_path finds other tables.
bool is_in_its_context(const Exchange& exchange, const Statement& statement);

}  // namespace pgweir
