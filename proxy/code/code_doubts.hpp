// The code that a transaction has run and that nobody has judged yet: before the session's state is settled,
// the server is asked for its sources. Owned by a session. Pure.
#pragma once

#include <string>
#include <vector>

#include "protocol/statement_map.hpp"
#include "proxy/code/function_table.hpp"

namespace pgweir {

struct CodeDoubts {
  FunctionQuestion question;               // the functions to ask about
  std::vector<std::string> unjudged;       // the texts that call them
  bool triggers_unjudged = false;          // something was written while nobody knew what that fires
  bool definitions_unjudged = false;       // something was read or written while nobody knew what views run
  bool sources_failed = false;             // the server did not tell
  std::vector<std::string> trigger_names;  // what OwnQuery::triggers has answered
  std::string trigger_calls;               // all trigger functions, while they wait for judgement
  std::vector<FunctionSource> sources;     // what OwnQuery::sources has answered so far
  // Parsed in this transaction while nobody knew what some code of it does: under the settings that were
  // believed to be in force.
  std::vector<StatementRef> presumed;

  // Something has run whose code nobody has read yet.
  bool any() const {
    return !unjudged.empty() || definitions_unjudged || triggers_unjudged || !trigger_calls.empty() ||
           !question.empty();
  }
};

}  // namespace pgweir
