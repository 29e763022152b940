#include "proxy/settle/code_judge.hpp"

#include <algorithm>
#include <utility>

#include "proxy/code/function_source.hpp"
#include "proxy/pool/pool.hpp"
#include "proxy/pool/pool_commons.hpp"
#include "proxy/request/sequence_guard.hpp"
#include "proxy/request/state_notes.hpp"
#include "proxy/state/prelude.hpp"

namespace pgweir {
namespace {

// Whether a name in it is not whole, so that the server could not be asked about that one.
bool has_replaced(const std::string& calls) {
  return calls.find(not_ascii) != std::string::npos;
}

// What code may do that cannot be read.
FunctionEffects opaque() {
  FunctionEffects effects;
  effects.add_opaque();
  return effects;
}

// A question about code is rare, and concerns all clients: no timeout ends it, also none that was set in this
// very transaction or by its code. It is not compiled: where the client has made plans costly (enable_seqscan = off),
// that takes the server seconds.
OwnQuestion about_code(const Exchange& exchange, OwnQuery which, std::string_view sql) {
  std::vector<std::string> names = short_timeouts(*exchange.backend->applied);
  for (const char* const name : {"statement_timeout", "lock_timeout", "jit"}) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.emplace_back(name);
  }
  return {which, lift_timeouts(names) + std::string(sql)};
}

}  // namespace

// Timeouts that the client has set for its own statements must not end this question.
OwnQuestion unhurried(const Exchange& exchange, OwnQuery which, std::string_view sql) {
  return {which, lift_timeouts(short_timeouts(*exchange.backend->applied)) + std::string(sql)};
}

std::optional<OwnQuestion> CodeJudge::next() {
  if (std::exchange(x_.code.triggers_unjudged, false)) return ask_triggers();
  if (!x_.code.question.empty()) return ask_sources();
  return std::nullopt;
}

void CodeJudge::take_answers(ReplyEvents& events) {
  if (events.take(ReplyEvent::triggers_answered)) take_triggers();
  if (events.take(ReplyEvent::sources_answered)) take_sources();
}

OwnQuestion CodeJudge::ask_triggers() {
  x_.code.trigger_names.clear();
  x_.code.sources_failed = false;
  return about_code(x_, OwnQuery::triggers, triggers_query());
}

// From here on triggers are functions like any other that this transaction has called.
void CodeJudge::take_triggers() {
  const std::vector<std::string> names = std::exchange(x_.code.trigger_names, {});
  // The question failed for a reason of this client's, so that nothing is learnt for others.
  if (x_.code.sources_failed) return note(opaque(), {});
  if (names.size() > UnseenCode::functions_max) {
    x_.commons->code().triggers().learn(opaque());
    note(opaque(), {});
  } else if (names.empty()) {
    x_.commons->code().triggers().learn({});
  } else {
    x_.code.trigger_calls = call_of_all(names);
    x_.commons->code().functions().judge(x_.code.trigger_calls, x_.code.question);
  }
}

// Functions that were called for the first time: their sources tell whether the server has to be asked after
// the next call.
OwnQuestion CodeJudge::ask_sources() {
  x_.code.sources.clear();
  x_.code.sources_failed = false;
  return about_code(x_, OwnQuery::sources, sources_query(x_.code.question.names));
}

void CodeJudge::take_sources() {
  const FunctionQuestion asked = std::exchange(x_.code.question, {});
  if (x_.code.sources_failed) return;  // for a reason of this client's: nothing is learnt for others
  bool views_advance = false;
  bool views_read = false;
  for (const FunctionSource& source : x_.code.sources) {
    const bool reads = mentions_sequence_value(source.body);
    if (reads) x_.commons->code().learn_sequence_use();
    if (source.name != definitions_name) continue;
    views_read |= reads;
    views_advance |= scan_facts(source.body).contains(SqlFact::nextval_or_setval);
  }
  if (std::find(asked.names.begin(), asked.names.end(), definitions_name) != asked.names.end()) {
    x_.commons->code().learn_sequences_in_views(views_advance, views_read);
  }
  x_.code.question = x_.commons->code().functions().learn(asked, std::exchange(x_.code.sources, {}));
  look_again();
}

// What was asked for is known, or was forgotten meanwhile. There may be more functions than one question holds.
void CodeJudge::look_again() {
  FunctionQuestion& question = x_.code.question;
  FunctionTable& functions = x_.commons->code().functions();
  if (question.round >= FunctionTable::rounds_max) return;
  for (const std::string& text : x_.code.unjudged) {
    if (question.empty()) functions.judge(text, question);
  }
  if (question.empty() && !x_.code.trigger_calls.empty()) functions.judge(x_.code.trigger_calls, question);
  if (question.empty() && x_.code.definitions_unjudged) functions.judge(definitions_call, question);
}

// What is still unknown now stays so, and is treated with suspicion.
void CodeJudge::judge_again() {
  const SchemaVersion::Doubt until_judged = std::move(x_.code.schema_doubt);
  // By now the server shows other sources than those that have run, or none.
  if (x_.watch.marks.contains(Mark::made_code) && !x_.code.unjudged.empty())
    note(opaque(), x_.code.unjudged.front());
  for (const std::string& text : std::exchange(x_.code.unjudged, {}))
    note(x_.commons->code().functions().judge(text, x_.code.question), text);
  if (std::exchange(x_.code.definitions_unjudged, false)) judge_definitions();
  if (const std::string calls = std::exchange(x_.code.trigger_calls, {}); !calls.empty()) {
    FunctionEffects effects = x_.commons->code().functions().judge(calls, x_.code.question);
    if (has_replaced(calls)) effects.add_opaque();
    if (!x_.code.sources_failed) x_.commons->code().triggers().learn(effects);
    note(effects, {});
  }
  x_.code.question = {};
  // Now that all is judged: a definition that the transaction has made calls what leaves something.
  if (x_.watch.marks.take(Mark::changed_functions)) x_.commons->code().forget();
  if (x_.watch.marks.take(Mark::changed_defaults)) x_.pool->recycle_all();
  share_presumed();
}

// What was parsed beside code that may change how it is read, or of which that is not known, stays its client's own.
void CodeJudge::note(const FunctionEffects& code, std::string_view text) {
  StateNotes notes(x_);
  notes.note_code(code, text);
  if (code.touches_context || code.changes_schema || !code.all_named || notes.distrusts(code))
    x_.code.presumed.clear();
}

// The settings that were believed to be in force were.
void CodeJudge::share_presumed() {
  for (const PresumedStatement& presumed : std::exchange(x_.code.presumed, {})) {
    if (const std::shared_ptr<Statement> own = presumed.statement.lock())
      x_.commons->statements().share(own, presumed.settings, presumed.schema_version);
  }
}

// What could not be found out this time is asked for again by the next transaction.
void CodeJudge::judge_definitions() {
  const FunctionEffects effects = x_.commons->code().functions().judge(definitions_call, x_.code.question);
  if (effects.knowledge != CodeKnowledge::unread) x_.commons->code().definitions().learn(effects);
  note(effects, definitions_call);
  if (x_.commons->code().views_advance_sequences()) SequenceGuard(x_).note_advance();
}

}  // namespace pgweir
