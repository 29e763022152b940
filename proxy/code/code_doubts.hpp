// The code that a transaction has run and that is not judged yet: before the session's state is settled, the
// server is asked for its sources. Owned by a session. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "protocol/statement_map.hpp"
#include "proxy/code/function_table.hpp"
#include "proxy/state/schema_version.hpp"
#include "proxy/state/settings_map.hpp"

namespace pgweir {

// A statement that was parsed in this transaction while some of its code was not judged, or while another session was
// committing DDL. It is its client's own until it is certain that it was parsed under the settings that were believed to
// be in force.
struct PresumedStatement {
  std::weak_ptr<Statement> statement;  // gone with the client's name for it
  MapRef settings;                     // what was believed, as far as analysis reads it
  std::uint64_t schema_version = 0;    // when it was parsed
};

struct CodeDoubts {
  // The most that are remembered; more of them stay their client's own.
  static constexpr std::size_t presumed_max = 256;

  FunctionQuestion question;               // the functions to ask about
  std::vector<std::string> unjudged;       // the texts that call them
  bool triggers_unjudged = false;          // there was a write before the triggers were judged
  bool definitions_unjudged = false;       // there was a read or write before the views were judged
  bool sources_failed = false;             // the server did not tell
  std::vector<std::string> trigger_names;  // what OwnQuery::triggers has answered
  std::string trigger_calls;               // all trigger functions, while they wait for judgement
  std::vector<FunctionSource> sources;     // what OwnQuery::sources has answered so far
  std::vector<PresumedStatement> presumed;

  // Held from the end of the transaction until its code is judged: it may have changed the schema.
  SchemaVersion::Doubt schema_doubt;
  // Held while a message is unanswered that may commit what the session has changed: others may see that before the
  // server tells.
  SchemaVersion::Doubt commit_doubt;

  // Whether functions were called that are not judged yet. Triggers and views hardly ever make temporary tables.
  bool has_calls() const { return !unjudged.empty(); }
  // Whether code has run that is not judged yet.
  bool any() const {
    return !unjudged.empty() || definitions_unjudged || triggers_unjudged || !trigger_calls.empty() ||
           !question.empty();
  }
};

}  // namespace pgweir
