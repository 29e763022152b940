#include "proxy/settle/state_tracker.hpp"

#include <algorithm>
#include <utility>

#include "proxy/pool/pool_commons.hpp"
#include "proxy/settle/code_judge.hpp"
#include "proxy/state/custom_names.hpp"
#include "proxy/state/prelude.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {
namespace {

// Whether the last of these that concerned the role took it back to what the client has from its login.
bool resets_role(const SettingsStep& committed) {
  const auto last = std::find_if(committed.rbegin(), committed.rend(), [](const SettingsItem& item) {
    return item.kind == SettingsItem::Kind::discard_all || item.name == "role" ||
           item.name == "session_authorization";
  });
  if (last == committed.rend()) return false;
  return last->name != "role" || last->kind != SettingsItem::Kind::set;
}

// Then the startup settings were restored after this, too, or perhaps only after this. While a cancel is under way the
// state of several transactions is settled at once.
bool resets_behind_discard(const SettingsStep& committed) {
  const auto discard = std::find_if(committed.rbegin(), committed.rend(), [](const SettingsItem& item) {
    return item.kind == SettingsItem::Kind::discard_all;
  });
  return std::any_of(committed.rbegin(), discard, [](const SettingsItem& item) {
    return item.kind == SettingsItem::Kind::reset || item.kind == SettingsItem::Kind::reset_all;
  });
}

}  // namespace

// The next question that has to be answered before all that the transaction has left behind is known;
// nullopt: there is none, and the pins are right.
std::optional<OwnQuestion> StateTracker::next() {
  // The answer about triggers may have been that there is no code to judge.
  if (x_.code.any() || x_.code.schema_doubt || !x_.code.presumed.empty()) {
    CodeJudge judge(x_);
    if (std::optional<OwnQuestion> question = judge.next()) return question;
    judge.judge_again();
  }
  note_sequences();
  const PinSet pins = open_pins();
  // After most transactions there is nothing to ask.
  if (!pins.empty() || settings_are_open()) {
    StateQuestion question;
    question.pins = pins;
    question_settings(question);
    question.statements = pins.contains(Pin::sql_prepare);
    if (!question.empty()) return ask_state(std::move(question));
  }
  if (last_value_is_open_) return ask_last_value();
  return std::nullopt;
}

// Most inserts take no value of a sequence, and need no pin for one.
OwnQuestion StateTracker::ask_last_value() {
  last_value_is_open_ = false;
  x_.own.has_last_value = true;
  if (asked().cause.empty()) asked().cause = std::move(x_.watch.cause);
  x_.watch.clear();
  return unhurried(x_, OwnQuery::last_value, "SELECT pg_catalog.lastval()");
}

// Without a last value there may still be one that setval() has given, which lastval() does not show: the values stay
// this session's.
void StateTracker::take_last_value() {
  if (x_.own.has_last_value) x_.pins.insert(Pin::sequence_value);
}

OwnQuestion StateTracker::audit() {
  StateQuestion question;
  question.pins = visible_pins;
  question.settings = true;
  OwnQuestion asks = ask_state(std::move(question));
  asked().about.insert(Asked::About::audit);
  return asks;
}

OwnQuestion StateTracker::state_question() {
  x_.own.answer = {};
  x_.own.cancelled = false;
  x_.commons->counters(x_.worker).state_checks.add();
  return {OwnQuery::check, asked().question.is_about_names() && !x_.has_own_names()
                               ? named_question()
                               : state_query(asked().question)};
}

std::optional<OwnQuestion> StateTracker::take_answers(ReplyEvents& events) {
  CodeJudge(x_).take_answers(events);
  if (events.take(ReplyEvent::last_value_answered)) take_last_value();
  if (events.take(ReplyEvent::state_answered)) return take_state();
  return std::nullopt;
}

std::optional<OwnQuestion> StateTracker::take_state() {
  if (asked().about.take(Asked::About::preparing)) {
    const bool failed = x_.own.cancelled || x_.own.failed;
    x_.backend->statements.end_parse(x_.commons->names_question(), failed ? Outcome::failed : Outcome::done);
  }
  if (std::exchange(x_.own.cancelled, false)) return ask_state_again();
  StateAnswer answer = std::exchange(x_.own.answer, {});
  for (const std::string& name : asked().question.lifted) {
    const auto it = answer.settings.find(name);
    const bool was_set = x_.backend->applied->contains(name);
    if (it != answer.settings.end() && it->second == "0" && !was_set) answer.settings.erase(it);
  }
  const Asked was = std::exchange(*asked_, {});
  asked_->cause = was.cause;
  if (was.about.contains(Asked::About::audit)) {
    note_finding(answer);
    return std::nullopt;
  }
  const bool after_reset = was.about.contains(Asked::About::reset);
  std::optional<OwnQuestion> reset;
  if (was.question.settings) {
    reset =
        take_settings(std::move(answer.settings), after_reset, was.about.contains(Asked::About::role_reset));
  } else if (!was.question.names.empty()) {
    take_named_settings(was.question.names, answer.settings, after_reset);
  }
  if (was.question.statements && answer.statements != x_.backend->statements.listing())
    x_.backend->statements.doubt_all();
  x_.pins.erase(was.question.pins);
  x_.pins.insert(answer.pins);
  if (answer.pins.contains(Pin::temporary_object)) {
    x_.begin_temporary();
  } else if (was.question.pins.contains(Pin::temporary_object)) {
    x_.deny_temporary();
  }
  return reset;
}

// A backend that was about to be released has been asked for all its state. Any difference is a bug of
// pgweir's, or something that a function did unseen.
void StateTracker::note_finding(const StateAnswer& answer) {
  std::string found = to_string(answer.pins);
  const LoginState login{x_.commons->user(), x_.backend->default_role};
  for (const std::string& name : differing_settings(*x_.backend->applied, answer.settings, login))
    found += (found.empty() ? "" : ",") + name;
  asked().finding = std::move(found);
}

bool StateTracker::settings_are_open() const {
  return !x_.journal.is_empty() || x_.watch.sets_unknown() || x_.watch.marks.contains(Mark::discarded_all);
}

// What the transaction has set is carried out as far as it is certain; the server is asked for the rest.
void StateTracker::question_settings(StateQuestion& question) {
  SettingsJournal& journal = x_.journal;
  if (!settings_are_open()) return;
  const SettingsStep& committed = journal.committed();
  // When the login itself gives a role, only the server knows what the role becomes, and with it what may be
  // set.
  const bool by_role = x_.backend->default_role != "none" &&
                       std::any_of(committed.begin(), committed.end(), [](const SettingsItem& item) {
                         return item.kind == SettingsItem::Kind::discard_all ||
                                item.kind == SettingsItem::Kind::reset_all || item.name == "role" ||
                                item.name == "session_authorization";
                       });
  const bool all_by_discard = x_.watch.marks.contains(Mark::discarded_all) &&
                              x_.watch.marks.contains(Mark::restored) &&
                              !x_.watch.marks.contains(Mark::unseen) && !resets_behind_discard(committed);
  const bool unknown = x_.watch.sets_unknown() && !all_by_discard;
  if (unknown || by_role || journal.doubts_all()) {
    question.settings = true;
    if (resets_role(committed)) asked().about.insert(Asked::About::role_reset);
  } else {
    if (!committed.empty()) apply_committed();
    question.names = journal.doubts();
  }
  journal.clear();
}

// Pins that the server has to confirm or to end. Pins that the server does not show are taken as begun.
PinSet StateTracker::open_pins() {
  if (x_.watch.may_have_begun.contains(Pin::temporary_object)) x_.may_begin_temporary();
  StateWatch& watch = x_.watch;
  // Where neither the code nor what it was given tells what it has set, the client keeps the connection that has it.
  if (watch.marks.contains(Mark::unknown_names) && watch.marks.contains(Mark::missed_names))
    watch.may_have_begun.insert(Pin::session_function);
  PinSet begun = watch.may_have_begun;
  PinSet certain = begun & lasting_pins;
  PinSet next = x_.pins;
  if (watch.marks.contains(Mark::discarded_sequences)) next.erase({Pin::sequence_value});
  if (watch.marks.contains(Mark::advances_sequence) && x_.commons->code().uses_sequence_values()) {
    if (watch.marks.contains(Mark::advanced_sequence)) certain.insert(Pin::sequence_value);
    last_value_is_open_ =
        !watch.marks.contains(Mark::advanced_sequence) && !next.contains(Pin::sequence_value);
  }
  next.insert(certain);
  x_.pins = next;
  PinSet open = begun & visible_pins;
  open.erase(x_.pins);
  open.insert(watch.may_have_ended & x_.pins & visible_pins);
  return open;
}

// Notes which session may ask the backend for currval() and lastval() from here on.
void StateTracker::note_sequences() {
  Backend& backend = *x_.backend;
  if (x_.watch.marks.contains(Mark::discarded_sequences) &&
      !x_.watch.marks.contains(Mark::advances_sequence)) {
    backend.sequence_owner = 0;
    backend.sequence_mixed = false;
    x_.sequences.advanced = false;
  } else if (x_.watch.marks.contains(Mark::failed) && x_.watch.marks.contains(Mark::inserted_discard)) {
    backend.sequence_mixed = true;  // pgweir's own DISCARD SEQUENCES may not have taken place
  }
}

OwnQuestion StateTracker::ask_state(StateQuestion question) {
  // A connection that no other client will have may keep what cannot be asked for.
  unknown_names_ = x_.watch.marks.contains(Mark::unknown_names) && (x_.pins & lasting_pins).empty();
  const std::vector<std::string> guessed = std::move(x_.watch.guessed_names);
  asked().cause = std::move(x_.watch.cause);
  if (x_.watch.marks.contains(Mark::reset_seen)) asked().about.insert(Asked::About::reset);
  x_.watch.clear();
  if (question.settings) {
    question.names = x_.custom_names;
    for (const std::string& name : guessed) remember_name(question.names, name);
    for (const SettingMap* map : {x_.client.desired.get(), x_.backend->applied.get()}) {
      for (const auto& [name, value] : *map) {
        if (name.find('.') != std::string::npos) remember_name(question.names, name);
      }
    }
  }
  question.lifted = short_timeouts(*x_.backend->applied);
  asked().question = std::move(question);
  asked().again = 0;
  return state_question();
}

// The question about names is a prepared statement that the backend keeps.
std::string StateTracker::named_question() {
  BackendStatements& on_backend = x_.backend->statements;
  const StatementRef& question = x_.commons->names_question();
  std::string sql;
  if (on_backend.find(question, x_.tracker.segment()) != BackendStatements::Presence::present) {
    sql = "PREPARE \"" + question->server_name + '"' + question->text + ';';
    // Whether the backend has it is in doubt until the answer is here.
    asked().about.insert(Asked::About::preparing);
    on_backend.begin_parse(question, x_.tracker.segment());
  }
  return sql + "EXECUTE \"" + question->server_name + "\"(" + names_array(asked().question.names) + ')';
}

// Most likely a timeout that the client has set unseen has cancelled the question.
std::optional<OwnQuestion> StateTracker::ask_state_again() {
  if (++asked().again >= attempts_max) {
    x_.own.failed = true;  // what this backend has set is not known, so it is closed
    return std::nullopt;
  }
  constexpr std::string_view timeout = "statement_timeout";
  std::vector<std::string>& lifted = asked().question.lifted;
  if (std::find(lifted.begin(), lifted.end(), timeout) == lifted.end()) lifted.emplace_back(timeout);
  return state_question();
}

// Each setting has the value that the server says, or is not there.
void StateTracker::take_named_settings(const std::vector<std::string>& names, const SettingMap& values,
                                       bool after_reset) {
  SettingMap desired = *x_.client.desired;
  SettingMap applied = *x_.backend->applied;
  for (const std::string& name : names) {
    desired.erase(name);
    applied.erase(name);
    const auto it = values.find(name);
    if (it == values.end()) {
      if (const auto brought = x_.client.startup->find(name); brought != x_.client.startup->end())
        desired.insert(*brought);
      continue;
    }
    applied.insert(*it);
    // A custom setting that was reset is empty, not gone.
    const auto brought = x_.client.startup->find(name);
    const bool was_reset = after_reset && it->second.empty() && brought != x_.client.startup->end();
    desired.insert(was_reset ? *brought : *it);
  }
  want(std::move(desired));
  x_.backend->applied = x_.worker.interner().intern(std::move(applied));
}

// What the server says is set, is set. A startup setting that it does not list was reset, to what it was at
// startup.
std::optional<OwnQuestion> StateTracker::take_settings(SettingMap applied, bool after_reset,
                                                       bool resets_role) {
  SettingMap desired = applied;
  // A custom setting that was reset is empty, not gone.
  std::erase_if(desired, [&](const auto& entry) {
    return after_reset && entry.second.empty() && entry.first.find('.') != std::string::npos &&
           x_.client.startup->contains(entry.first);
  });
  // A role that is not listed is the one that the login gives.
  if (!resets_role && x_.client.startup->contains("role")) desired.emplace("role", x_.backend->default_role);
  for (const auto& [name, value] : *x_.client.startup) desired.emplace(name, value);
  want(std::move(desired));
  x_.backend->applied = x_.worker.interner().intern(std::move(applied));
  if (!std::exchange(unknown_names_, false)) return std::nullopt;
  OwnQuestion reset =
      unhurried(x_, OwnQuery::reset_settings, "RESET SESSION AUTHORIZATION;RESET ROLE;RESET ALL");
  x_.backend->applied = x_.worker.shared().no_settings;
  return reset;
}

void StateTracker::apply_committed() {
  const SettingsStep& committed = x_.journal.committed();
  if (is_in_force(committed, *x_.client.desired) && is_in_force(committed, *x_.backend->applied)) return;
  SettingMap desired = *x_.client.desired;
  SettingMap applied = *x_.backend->applied;
  pgweir::apply_settings(committed, *x_.client.startup, x_.watch.marks.contains(Mark::restored), desired,
                         applied);
  // The role is that of the login again, and the login gives none of its own.
  const auto drop_none = [](SettingMap& map) {
    if (const auto it = map.find("role"); it != map.end() && it->second == "none") map.erase(it);
  };
  if (x_.backend->default_role == "none") {
    drop_none(applied);
    if (!x_.client.startup->contains("role")) drop_none(desired);
  }
  want(std::move(desired));
  x_.backend->applied = x_.worker.interner().intern(std::move(applied));
}

void StateTracker::want(SettingMap desired) {
  const bool is_other = desired.contains("role") || desired.contains("session_authorization");
  x_.client.desired = x_.worker.interner().intern(std::move(desired));
  if (is_other) x_.other_role.settings = x_.client.desired;
  x_.other_role.is_needed = false;
}

}  // namespace pgweir
