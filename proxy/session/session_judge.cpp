// What the code that a transaction has run may do: functions, triggers, views and sequences, about which the
// server is asked once, and then it is known.
#include <algorithm>

#include "proxy/pool/pool.hpp"
#include "proxy/session/session.hpp"
#include "proxy/state/prelude.hpp"

namespace pgweir {

void Session::ask_unhurried(OwnQuery which, std::string_view sql) {
  send_own(which, lift_timeouts(short_timeouts(*exchange_.backend->applied)) + std::string(sql));
  flush();
}

// Most inserts take no value of a sequence, and need no pin for one.
void Session::ask_last_value() {
  last_value_is_open_ = false;
  exchange_.has_last_value = true;
  if (pin_cause_.empty()) pin_cause_ = std::move(exchange_.watch.cause);
  exchange_.watch.clear();
  ask_unhurried(OwnQuery::last_value, "SELECT pg_catalog.lastval()");
}

void Session::take_last_value() {
  if (!exchange_.has_last_value) {
    exchange_.backend->sequence_owner = 0;
    return;
  }
  PinSet pins = exchange_.pins;
  pins.insert(Pin::sequence_value);
  update_pins(pins);
}

void Session::ask_triggers() {
  exchange_.trigger_names.clear();
  exchange_.sources_failed = false;
  ask_unhurried(OwnQuery::triggers, triggers_query());
}

// From here on they are functions like any other that this transaction has called.
void Session::take_triggers() {
  const std::vector<std::string> names = std::exchange(exchange_.trigger_names, {});
  if (exchange_.sources_failed || names.size() > UnseenCode::functions_max) {
    FunctionEffects opaque;
    opaque.add_opaque();
    pool_->code().triggers().learn(opaque);
    requests_.note_code(opaque, {});
  } else if (names.empty()) {
    pool_->code().triggers().learn({});
  } else {
    trigger_calls_ = call_of_all(names);
    pool_->code().functions().judge(trigger_calls_, exchange_.function_question);
  }
}

// Functions that were called for the first time: from their sources it is known whether the server has to be
// asked after the next call.
void Session::ask_sources() {
  exchange_.sources.clear();
  exchange_.sources_failed = false;
  ask_unhurried(OwnQuery::sources, sources_query(exchange_.function_question.names));
}

void Session::take_sources() {
  const FunctionQuestion asked = std::exchange(exchange_.function_question, {});
  if (exchange_.sources_failed) return pool_->code().functions().give_up(asked);
  bool views_advance = false;
  bool views_read = false;
  for (const FunctionSource& source : exchange_.sources) {
    const bool reads = mentions_sequence_value(source.body);
    if (reads) pool_->code().learn_sequence_use();
    if (source.name != definitions_name) continue;
    views_read |= reads;
    views_advance |= scan_facts(source.body).contains(SqlFact::nextval_or_setval);
  }
  if (std::find(asked.names.begin(), asked.names.end(), definitions_name) != asked.names.end()) {
    pool_->code().learn_sequences_in_views(views_advance, views_read);
  }
  exchange_.function_question = pool_->code().functions().learn(asked, std::exchange(exchange_.sources, {}));
}

// What is still unknown now stays so, and counts as suspicious.
void Session::judge_again() {
  const bool is_known =
      exchange_.unjudged.empty() && !exchange_.definitions_unjudged && trigger_calls_.empty();
  if (is_known) return exchange_.presumed.clear();
  // By now the server shows other sources than those that have run, or none.
  if (exchange_.watch.made_code && !exchange_.unjudged.empty())
    requests_.note_opaque_code(exchange_.unjudged.front());
  const auto note = [this](const FunctionEffects& code, std::string_view text) {
    requests_.note_code(code, text);
    if (code.touches_context) doubt_presumed();
  };
  for (const std::string& text : std::exchange(exchange_.unjudged, {}))
    note(pool_->code().functions().judge(text, exchange_.function_question), text);
  if (std::exchange(exchange_.definitions_unjudged, false)) judge_definitions();
  if (const std::string calls = std::exchange(trigger_calls_, {}); !calls.empty()) {
    const FunctionEffects effects = pool_->code().functions().judge(calls, exchange_.function_question);
    pool_->code().triggers().learn(effects);
    note(effects, {});
  }
  exchange_.function_question = {};
  exchange_.presumed.clear();
}

// They may have been analysed under other settings than anybody believed.
void Session::doubt_presumed() {
  for (const StatementRef& statement : std::exchange(exchange_.presumed, {})) {
    pool_->statements().forget(statement);
    exchange_.backend->statements.doubt(statement);
  }
}

// What nobody could find out this time is asked for again by the next transaction.
void Session::judge_definitions() {
  const FunctionEffects effects =
      pool_->code().functions().judge(definitions_call, exchange_.function_question);
  if (effects.verdict != FunctionVerdict::unknown) pool_->code().definitions().learn(effects);
  requests_.note_code(effects, definitions_call);
  if (pool_->code().views_advance_sequences()) requests_.note_advance();
}

}  // namespace pgweir
