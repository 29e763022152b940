// What a session's transaction has left behind: known from its texts and tags, or asked of the server; and
// whether the session is pinned for it.
#include <algorithm>

#include "protocol/backend.hpp"
#include "protocol/error_response.hpp"
#include "proxy/custom_names.hpp"
#include "proxy/log.hpp"
#include "proxy/pool.hpp"
#include "proxy/services.hpp"
#include "proxy/session.hpp"
#include "proxy/worker.hpp"

namespace pgweir {

// False: the server has been asked, and the answer comes back to at_rest().
bool Session::state_is_known() {
  // A cancel that comes too late for the client's statement must not hit a query of ours.
  if (exchange_.backend->cancels_in_flight > 0) return false;
  if (std::exchange(exchange_.triggers_unjudged, false)) return ask_triggers(), false;
  if (!exchange_.function_question.empty()) return ask_sources(), false;
  judge_again();
  note_sequences();
  StateQuestion question;
  question.pins = open_pins();
  const bool touched = exchange_.watch.settings_touched();
  question.settings = touched && !settings_are_known();
  if (touched && !question.settings) apply_watch();
  if (question.empty()) {
    update_pins(exchange_.pins);
    if (last_value_is_open_) return ask_last_value(), false;
    if (!audit_is_due()) return true;
    audited_ = auditing_ = true;
    question.pins = visible_pins;
    question.settings = true;
  }
  ask_state(std::move(question));
  return false;
}

// Pins that the server has to confirm or to end. What it does not show is taken for given.
PinSet Session::open_pins() {
  StateWatch& watch = exchange_.watch;
  PinSet begun = watch.may_have_begun;
  PinSet certain = begun & lasting_pins;
  PinSet next = exchange_.pins;
  if (watch.discarded_sequences) next.erase({Pin::sequence_value});
  if (watch.advances_sequence && pool_->uses_sequence_values()) {
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
  exchange_.watch = {};
  if (question.settings) {
    question.custom = exchange_.custom_names;
    for (const SettingMap* map : {exchange_.desired.get(), exchange_.backend->applied.get()}) {
      for (const auto& [name, value] : *map) {
        if (name.find('.') != std::string::npos) remember_name(question.custom, name);
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
  send_own(OwnQuery::check, state_query(asked_));
  flush();
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
  if (asked.settings) take_settings(std::move(answer.settings));
  PinSet pins = exchange_.pins;
  pins.erase(asked.pins);
  pins.insert(answer.pins);
  update_pins(pins);
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
  exchange_.backend->applied = worker_.services().interner.intern(std::move(applied));
  if (!std::exchange(unknown_names_, false)) return;
  ask_unhurried(OwnQuery::reset_settings, "RESET SESSION AUTHORIZATION;RESET ALL");
  exchange_.backend->applied = worker_.services().no_settings;
}

// One statement, and its text says what it did.
bool Session::settings_are_known() const {
  const StateWatch& watch = exchange_.watch;
  if (watch.statements != 1 || watch.failed || watch.unseen) return false;
  if (watch.discarded_all) return true;
  if (watch.restored) return false;
  if (!watch.set || watch.set->scope != SetScope::session) return false;
  if (watch.set->action == SetAction::reset_all) return true;
  if (watch.set->name.empty()) return false;
  if (watch.set->action != SetAction::set) return true;
  return watch.set->value && (is_ascii(*watch.set->value) || exchange_.writes_utf8());
}

void Session::apply_watch() {
  SettingMap desired = *exchange_.desired;
  SettingMap applied = *exchange_.backend->applied;
  const SettingMap& startup = *exchange_.startup;
  const auto keep_identity = [](SettingMap& to, const SettingMap& from) {
    for (const std::string_view name : {"role", "session_authorization"}) {
      if (const auto it = from.find(name); it != from.end()) to.insert_or_assign(it->first, it->second);
    }
  };
  if (exchange_.watch.discarded_all) {
    desired = startup;
    applied = exchange_.watch.restored ? startup : SettingMap();
  } else if (exchange_.watch.set->action == SetAction::reset_all) {
    SettingMap nothing;
    keep_identity(nothing, applied);
    applied = nothing;
    SettingMap fresh = startup;
    keep_identity(fresh, desired);
    desired = fresh;
  } else {
    const SetStatement& set = *exchange_.watch.set;
    if (set.name == "seed") return;
    const bool to_none = set.name == "role" && set.value && *set.value == "none";
    const bool by_authorization = set.name == "session_authorization";
    if (by_authorization) {
      desired.erase("role");
      applied.erase("role");
    }
    if (set.action == SetAction::set && !to_none) {
      desired.insert_or_assign(set.name, *set.value);
      applied.insert_or_assign(set.name, *set.value);
    } else {
      applied.erase(set.name);
      desired.erase(set.name);
      if (const auto it = startup.find(set.name); it != startup.end())
        desired.insert_or_assign(it->first, it->second);
    }
    // Not the role that it brought.
    const bool without_role = to_none || (by_authorization && set.action == SetAction::set);
    if (without_role && startup.contains("role")) desired.insert_or_assign("role", "none");
  }
  want(std::move(desired));
  exchange_.backend->applied = worker_.services().interner.intern(std::move(applied));
}

void Session::want(SettingMap desired) {
  const bool is_other = desired.contains("role") || desired.contains("session_authorization");
  exchange_.desired = worker_.services().interner.intern(std::move(desired));
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

// Session mode is no news.
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
    fields.code = "00000";
    const std::string message =
        "pgweir keeps this session on one server connection: " + std::string(text.what) + "; that ends " +
        std::string(text.ends);
    fields.message = message;
    write_notice_response(worker_.to_client().own(), fields);
    worker_.to_client().end_own();
  }
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
