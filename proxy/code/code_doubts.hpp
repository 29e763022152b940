// The code that a transaction has run and that is not judged yet: before the session's state is settled, the
// server is asked for its sources. Owned by a session. Pure.
#pragma once

#include <string>
#include <vector>

#include "protocol/statement_map.hpp"
#include "proxy/code/function_table.hpp"
#include "proxy/state/schema_version.hpp"

namespace pgweir {

struct CodeDoubts {
  FunctionQuestion question;               // the functions to ask about
  std::vector<std::string> unjudged;       // the texts that call them
  bool triggers_unjudged = false;          // there was a write before the triggers were judged
  bool definitions_unjudged = false;       // there was a read or write before the views were judged
  bool sources_failed = false;             // the server did not tell
  std::vector<std::string> trigger_names;  // what OwnQuery::triggers has answered
  std::string trigger_calls;               // all trigger functions, while they wait for judgement
  std::vector<FunctionSource> sources;     // what OwnQuery::sources has answered so far
  // Statements that were parsed in this transaction while some of its code was not judged: under the settings
  // that were believed to be in force.
  std::vector<StatementRef> presumed;

  // Held from the end of the transaction until its code is judged: it may have changed the schema.
  SchemaVersion::Doubt schema_doubt;

  // Whether code has run that is not judged yet.
  bool any() const {
    return !unjudged.empty() || definitions_unjudged || triggers_unjudged || !trigger_calls.empty() ||
           !question.empty();
  }
};

}  // namespace pgweir
