// What a session's transaction has left behind: known from its texts and tags, or asked of the server; and
// whether the session is pinned for it.
#include <algorithm>

#include "protocol/backend.hpp"
#include "protocol/error_response.hpp"
#include "protocol/sqlstate.hpp"
#include "proxy/base/log.hpp"
#include "proxy/pool/pool.hpp"
#include "proxy/session/session.hpp"
#include "proxy/state/custom_names.hpp"
#include "proxy/state/prelude.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {

// False: the server has been asked, and the answer comes back to at_rest().
bool Session::state_is_known() {
  // A cancel that comes too late for the client's statement must not hit a query of ours.
  if (exchange_.backend->cancels.in_flight()) return false;
  if (std::exchange(exchange_.triggers_unjudged, false)) return ask_triggers(), false;
  if (!exchange_.function_question.empty()) return ask_sources(), false;
  judge_again();
  note_sequences();
  const PinSet pins = open_pins();
  // Of most transactions there is nothing to ask.
  if (pins.empty() && !settings_are_open()) return nothing_is_open();
  StateQuestion question;
  question.pins = pins;
  question_settings(question);
  question.statements = pins.contains(Pin::sql_prepare);
  if (question.empty()) return nothing_is_open();
  ask_state(std::move(question));
  return false;
}

bool Session::settings_are_open() const {
  return !exchange_.settings.is_empty() || exchange_.watch.sets_unknown() || exchange_.watch.discarded_all;
}

// False: something is asked all the same.
bool Session::nothing_is_open() {
  update_pins(exchange_.pins);
  if (last_value_is_open_) return ask_last_value(), false;
  if (!audit_is_due()) return true;
  audited_ = auditing_ = true;
  StateQuestion question;
  question.pins = visible_pins;
  question.settings = true;
  ask_state(std::move(question));
  return false;
}

// What its transaction has set: as far as that is certain it is carried out, the rest is asked.
void Session::question_settings(StateQuestion& question) {
  SettingsJournal& journal = exchange_.settings;
  if (!settings_are_open()) return;
  const SettingsStep& committed = journal.committed();
  // What a role of the login's own becomes, and with it what may be set, the server knows.
  const bool by_role = exchange_.backend->default_role != "none" &&
                       std::any_of(committed.begin(), committed.end(), [](const SettingsItem& item) {
                         return item.kind == SettingsItem::Kind::discard_all ||
                                item.kind == SettingsItem::Kind::reset_all || item.name == "role" ||
                                item.name == "session_authorization";
                       });
  const bool all_by_discard =
      exchange_.watch.discarded_all && exchange_.watch.restored && !exchange_.watch.unseen;
  const bool unknown = exchange_.watch.sets_unknown() && !all_by_discard;
  if (unknown || by_role || journal.doubts_all()) {
    question.settings = true;
  } else {
    if (!committed.empty()) apply_committed();
    question.names = journal.doubts();
  }
  journal.clear();
}

// Pins that the server has to confirm or to end. What it does not show is taken for given.
PinSet Session::open_pins() {
  StateWatch& watch = exchange_.watch;
  PinSet begun = watch.may_have_begun;
  PinSet certain = begun & lasting_pins;
  PinSet next = exchange_.pins;
  if (watch.discarded_sequences) next.erase({Pin::sequence_value});
  if (watch.advances_sequence && pool_->code().uses_sequence_values()) {
    if (watch.advanced_sequence) certain.insert(Pin::sequence_value);
    last_value_is_open_ = !watch.advanced_sequence && !next.contains(Pin::sequence_value);
  }
  next.insert(certain);
  exchange_.pins = next;
  PinSet open = begun & visible_pins;
  open.erase(exchange_.pins);
  open.insert(watch.may_have_ended & exchange_.pins & visible_pins);
  return open;
}

// Who may ask the backend for currval() and lastval() from here on.
void Session::note_sequences() {
  Backend& backend = *exchange_.backend;
  if (exchange_.watch.discarded_sequences && !exchange_.watch.advances_sequence) {
    backend.sequence_owner = 0;
    backend.sequence_mixed = false;
    exchange_.advanced_sequence = false;
  } else if (exchange_.watch.failed && exchange_.watch.inserted_discard) {
    backend.sequence_mixed = true;  // a DISCARD SEQUENCES of ours may not have taken place
  }
}

void Session::ask_state(StateQuestion question) {
  unknown_names_ = exchange_.watch.unknown_names;
  pin_cause_ = std::move(exchange_.watch.cause);
  asked_after_reset_ = exchange_.watch.reset_seen;
  exchange_.watch.clear();
  if (question.settings) {
    question.names = exchange_.custom_names;
    for (const SettingMap* map : {exchange_.desired.get(), exchange_.backend->applied.get()}) {
      for (const auto& [name, value] : *map) {
        if (name.find('.') != std::string::npos) remember_name(question.names, name);
      }
    }
  }
  question.lifted = short_timeouts(*exchange_.backend->applied);
  asked_ = std::move(question);
  asked_again_ = 0;
  send_question();
}

void Session::send_question() {
  exchange_.answer = {};
  exchange_.own_cancelled = false;
  pool_->counters(worker_).state_checks.add();
  send_own(OwnQuery::check, asked_.is_about_names() ? named_question() : state_query(asked_));
  flush();
}

// By a statement that the backend keeps for it.
std::string Session::named_question() {
  BackendStatements& held = exchange_.backend->statements;
  const StatementRef& question = pool_->names_question();
  std::string sql;
  if (held.find(question, exchange_.tracker.segment()) != BackendStatements::Presence::present) {
    sql = "PREPARE \"" + question->server_name + '"' + question->text + ';';
    // In doubt until the answer is here.
    prepares_question_ = true;
    held.begin_parse(question, exchange_.tracker.segment());
  }
  return sql + "EXECUTE \"" + question->server_name + "\"(" + names_array(asked_.names) + ')';
}

// Most likely by a timeout that the client has set where nobody saw it.
void Session::ask_state_again() {
  if (++asked_again_ >= question_attempts_max) {
    exchange_.own_failed = true;  // what this backend has set is not known, so it is closed
    return end(Reason::internal_error, "the session's state could not be read");
  }
  constexpr std::string_view timeout = "statement_timeout";
  std::vector<std::string>& lifted = asked_.lifted;
  if (std::find(lifted.begin(), lifted.end(), timeout) == lifted.end()) lifted.emplace_back(timeout);
  send_question();
}

void Session::take_state_answer() {
  if (std::exchange(prepares_question_, false)) {
    const bool failed = exchange_.own_cancelled || exchange_.own_failed;
    exchange_.backend->statements.end_parse(pool_->names_question(),
                                            failed ? Outcome::failed : Outcome::done);
  }
  if (std::exchange(exchange_.own_cancelled, false)) return ask_state_again();
  StateAnswer answer = std::move(exchange_.answer);
  exchange_.answer = {};
  for (const std::string& name : asked_.lifted) {
    const auto it = answer.settings.find(name);
    const bool was_set = exchange_.backend->applied->contains(name);
    if (it != answer.settings.end() && it->second == "0" && !was_set) answer.settings.erase(it);
  }
  const StateQuestion asked = std::exchange(asked_, {});
  if (std::exchange(auditing_, false)) return take_audit(answer);
  if (asked.settings) {
    take_settings(std::move(answer.settings));
  } else if (!asked.names.empty()) {
    take_named_settings(asked.names, answer.settings);
  }
  if (asked.statements && answer.statements != statements_left()) exchange_.backend->statements.doubt_all();
  PinSet pins = exchange_.pins;
  pins.erase(asked.pins);
  pins.insert(answer.pins);
  update_pins(pins);
}

// Each has the value that the server says, or is not there.
void Session::take_named_settings(const std::vector<std::string>& names, const SettingMap& values) {
  SettingMap desired = *exchange_.desired;
  SettingMap applied = *exchange_.backend->applied;
  const bool after_reset = std::exchange(asked_after_reset_, false);
  for (const std::string& name : names) {
    desired.erase(name);
    applied.erase(name);
    const auto it = values.find(name);
    if (it == values.end()) {
      if (const auto brought = exchange_.startup->find(name); brought != exchange_.startup->end())
        desired.insert(*brought);
      continue;
    }
    applied.insert(*it);
    // A custom setting that was reset is empty, not gone.
    const auto brought = exchange_.startup->find(name);
    const bool was_reset = after_reset && it->second.empty() && brought != exchange_.startup->end();
    desired.insert(was_reset ? *brought : *it);
  }
  want(std::move(desired));
  exchange_.backend->applied = worker_.interner().intern(std::move(applied));
}

// What the server says is set, is set. A startup setting that it does not list was reset, to what it was at
// startup.
void Session::take_settings(SettingMap applied) {
  SettingMap desired = applied;
  // A custom setting that was reset is empty, not gone.
  const bool after_reset = std::exchange(asked_after_reset_, false);
  std::erase_if(desired, [&](const auto& entry) {
    return after_reset && entry.second.empty() && entry.first.find('.') != std::string::npos &&
           exchange_.startup->contains(entry.first);
  });
  // A role that is not there was set to none.
  if (exchange_.startup->contains("role")) desired.emplace("role", "none");
  for (const auto& [name, value] : *exchange_.startup) desired.emplace(name, value);
  want(std::move(desired));
  exchange_.backend->applied = worker_.interner().intern(std::move(applied));
  if (!std::exchange(unknown_names_, false)) return;
  ask_unhurried(OwnQuery::reset_settings, "RESET SESSION AUTHORIZATION;RESET ROLE;RESET ALL");
  exchange_.backend->applied = worker_.shared().no_settings;
}

void Session::apply_committed() {
  const SettingsStep& committed = exchange_.settings.committed();
  if (is_in_force(committed, *exchange_.desired) && is_in_force(committed, *exchange_.backend->applied))
    return;
  SettingMap desired = *exchange_.desired;
  SettingMap applied = *exchange_.backend->applied;
  pgweir::apply_settings(committed, *exchange_.startup, exchange_.watch.restored, desired, applied);
  // Its role is that of the login again, which has none of its own.
  const auto drop_none = [](SettingMap& map) {
    if (const auto it = map.find("role"); it != map.end() && it->second == "none") map.erase(it);
  };
  if (exchange_.backend->default_role == "none") {
    drop_none(applied);
    if (!exchange_.startup->contains("role")) drop_none(desired);
  }
  want(std::move(desired));
  exchange_.backend->applied = worker_.interner().intern(std::move(applied));
}

void Session::want(SettingMap desired) {
  const bool is_other = desired.contains("role") || desired.contains("session_authorization");
  exchange_.desired = worker_.interner().intern(std::move(desired));
  if (is_other) other_role_ = exchange_.desired;
  sets_as_other_ = false;
}

// --- Pins

void Session::update_pins(PinSet pins) {
  exchange_.pins = pins;
  if (pins == reported_pins_ || phase_ != Phase::serving) return;
  count_pins(pins);
}

// The client leaves; what it is pinned for still has to be cleaned up.
void Session::uncount_pins() {
  if (!reported_pins_.empty()) count_pins({});
}

void Session::count_pins(PinSet pins) {
  PoolCounters& counters = pool_->counters(worker_);
  const bool was_pinned = !reported_pins_.empty();
  PinSet begun = pins;
  begun.erase(reported_pins_);
  for (std::size_t i = 0; i < pin_count; ++i) {
    const Pin pin = static_cast<Pin>(i);
    if (begun.contains(pin)) {
      counters.pins[i].add();
      counters.pinned[i].add();
    } else if (reported_pins_.contains(pin) && !pins.contains(pin)) {
      counters.pinned[i].subtract();
    }
  }
  reported_pins_ = pins;
  if (!was_pinned) pin_record_ = std::make_unique<PinRecord>(PinRecord{worker_.now(), {}});
  if (!begun.empty()) report_pins(begun);
  if (!pins.empty() || !was_pinned) return;
  counters.pin.observe(worker_.now() - pin_record_->since);
  pin_record_.reset();
  log::debug("session_unpinned",
             {{"client", std::to_string(id_)}, {"database", pool_->database()}, {"user", pool_->user()}});
}

// In session mode every client is pinned, so that a pin tells nobody anything.
void Session::report_pins(PinSet begun) {
  begun.erase({Pin::session_mode});
  if (begun.empty()) return;
  if (pin_cause_.empty()) pin_cause_ = exchange_.watch.cause;
  log::info("session_pinned", {{"client", std::to_string(id_)},
                               {"database", pool_->database()},
                               {"user", pool_->user()},
                               {"application_name", shown_name()},
                               {"reason", to_string(begun)},
                               {"statement", pin_cause_}});
  pin_record_->statement = std::exchange(pin_cause_, {});
  if (!pool_->settings()->pin_notice || client_gone_) return;
  for (std::size_t i = 0; i < pin_count; ++i) {
    if (!begun.contains(static_cast<Pin>(i))) continue;
    const PinText& text = text_of(static_cast<Pin>(i));
    ErrorFields fields;
    fields.severity = "NOTICE";
    fields.code = sqlstate::successful_completion;
    const std::string message =
        "pgweir keeps this session on one server connection: " + std::string(text.what) + "; that ends " +
        std::string(text.ends);
    fields.message = message;
    write_notice_response(worker_.to_client().own(), fields);
    worker_.to_client().end_own();
  }
}

// The statements that the backend should have, as the server lists them.
std::string Session::statements_left() const {
  return exchange_.backend->statements.listing();
}

// --- Audit

// Once for a borrow at the most, and never of a session that keeps its backend.
bool Session::audit_is_due() {
  return audit_every_ > 0 && !audited_ && exchange_.pins.empty() && worker_.is_nth_release(audit_every_);
}

// A backend that was about to be released has been asked for all its state. Any difference is a bug of ours,
// or something that a function did unseen.
void Session::take_audit(const StateAnswer& answer) {
  PoolCounters& counters = pool_->counters(worker_);
  counters.audits.add();
  const std::vector<std::string> settings = differing_settings(*exchange_.backend->applied, answer.settings);
  if (settings.empty() && answer.pins.empty()) return;
  counters.audit_findings.add();
  std::string found = to_string(answer.pins);
  for (const std::string& name : settings) found += (found.empty() ? "" : ",") + name;
  log::warning("audit_finding", {{"database", pool_->database()},
                                 {"user", pool_->user()},
                                 {"pid", std::to_string(exchange_.backend->pid)},
                                 {"client", std::to_string(id_)},
                                 {"found", found}});
  if (pool_->settings()->audit_close) {
    Backend& backend = *exchange_.backend;
    exchange_.backend = nullptr;
    backend.transport.watch(nullptr);
    pool_->discard(backend, BackendClose::audit_finding, worker_);
  }
}

}  // namespace pgweir
