// Client to server: what a statement may do to its session, for Session::at_rest() to find out.
#include <algorithm>

#include "protocol/sql_named.hpp"
#include "protocol/sql_scan.hpp"
#include "protocol/sql_set.hpp"
#include "proxy/pool/pool.hpp"
#include "proxy/session/request_path.hpp"
#include "proxy/state/custom_names.hpp"
#include "proxy/state/prelude.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {
namespace {

// Longer texts are not searched for the names of custom settings.
constexpr std::size_t named_text_max = 64 * 1024;

// Statements of one transaction that wait for the judgement of their functions; the rest is taken for the
// worst.
constexpr std::size_t unjudged_max = 16;

// May look at a table or a view.
bool reads_relations(const SqlEffects& effects) {
  return effects.writes() || effects.runs_code() ||
         effects.verbs.intersects({Verb::select, Verb::table, Verb::values, Verb::declare, Verb::create,
                                   Verb::refresh, Verb::prepare, Verb::call, Verb::do_});
}

bool fires_event_triggers(const SqlEffects& effects) {
  return effects.verbs.intersects({Verb::alter, Verb::comment, Verb::create, Verb::drop, Verb::grant,
                                   Verb::import_, Verb::reassign, Verb::refresh, Verb::reindex, Verb::revoke,
                                   Verb::security});
}

// CREATE, SELECT INTO; also where EXPLAIN ANALYZE runs it.
bool may_create(const SqlEffects& effects, std::string_view text) {
  return effects.verbs.contains(Verb::create) || effects.facts.contains(SqlFact::selects_into) ||
         (effects.verbs.contains(Verb::explain) && folded_find(text, "create"));
}

}  // namespace

void RequestPath::note(const SqlEffects& effects, std::string_view text, const BoundValues* values) {
  StateWatch& watch = x_.watch;
  watch.set.reset();
  if (is_plain_query(effects)) return;
  note_settings(effects, text, values);
  // What is called may be made, replaced or dropped by the same text.
  const bool makes_code =
      !effects.single && effects.verbs.intersects({Verb::create, Verb::alter, Verb::drop});
  if (effects.runs_code() && makes_code) note_opaque_code(text);
  if (effects.runs_code() && !effects.is_unreadable()) judge_code(text, values);
  if ((effects.writes() || effects.runs_code()) && !x_.judgement.trust_triggers) note_triggers(text);
  if (reads_relations(effects)) note_definitions(text);
  if (fires_event_triggers(effects)) judge_code(event_triggers_call);
  if (cannot_be_judged(effects, x_.judgement)) {
    watch.unseen = true;
    // A function's names are known from its source, a trigger's are not.
    if (effects.is_unreadable() || effects.writes()) watch.unknown_names = true;
  }
  if (!step_.empty() && effects.verbs.intersects({Verb::call, Verb::do_}))
    step_.push_back({.kind = SettingsItem::Kind::may_commit});
  const bool creates = may_create(effects, text);
  if (effects.is_unreadable() || (creates && !effects.facts.contains(SqlFact::creates_temporary)))
    watch.changed_schema = true;
  PinSet begun = may_begin(effects, x_.judgement);
  begun.erase({Pin::load});  // its tag tells, if it has succeeded
  watch.note_begin(begun, text);
  watch.may_have_ended.insert(may_end(effects, x_.judgement));
  if (creates && path_may_be_temporary()) watch.note_begin({Pin::temporary_object}, text);
}

// Most statements: what follows would find nothing in it.
bool RequestPath::is_plain_query(const SqlEffects& effects) const {
  return effects.verb == Verb::select && effects.single && effects.is_quiet() && !x_.judgement.strict &&
         x_.pool->code().definitions().is_free();
}

// Whatever is created without a schema may be temporary then.
bool RequestPath::path_may_be_temporary() const {
  return x_.creates_temporary() || x_.watch.unseen || x_.settings.may_use_temporary_path() ||
         std::any_of(step_.begin(), step_.end(), [](const SettingsItem& item) {
           return item.kind == SettingsItem::Kind::local_doubt ||
                  (item.kind == SettingsItem::Kind::doubt && item.name.empty()) ||
                  (item.name == "search_path" && item.value.find("pg_temp") != std::string::npos);
         });
}

void RequestPath::note_settings(const SqlEffects& effects, std::string_view text, const BoundValues* values) {
  if (effects.is_unreadable()) return note_names(text, values != nullptr);
  const bool controls =
      effects.verbs.intersects(control_verbs) && (x_.settings.follows_control() || !effects.single);
  if (!effects.single) {
    const bool sets = effects.verbs.intersects({Verb::set, Verb::reset}) || effects.may_set;
    if (sets || (controls && x_.settings.follows_control())) note_string(text);
  } else if (effects.sets()) {
    note_set(text);
  } else if (effects.may_set) {
    const bool was_read = read_text_ != nullptr && read_text_->text == text;
    note_config(was_read ? read_text_->set_config : find_set_config(text), text, values);
  } else if (effects.verb == Verb::discard && parse_discard(text) == DiscardTarget::all) {
    step_.push_back({.kind = SettingsItem::Kind::discard_all});
  } else if (controls) {
    add_control(text, step_);
  }
  if (effects.runs_code()) note_names(text, values != nullptr);
}

// A query string: each of its statements is run once, or an error undoes them all.
void RequestPath::note_string(std::string_view text) {
  StatementSplitter statements(text);
  for (SqlStatement part; statements.next(part);) {
    if (part.verb == Verb::set || part.verb == Verb::reset) {
      note_set(part.text);
    } else if (control_verbs.contains(part.verb)) {
      add_control(part.text, step_);
    } else if (const SetConfigUse use = find_set_config(part.text); !use.calls.empty() || use.hides_calls) {
      note_config(use, part.text, nullptr);
    }
  }
  x_.watch.set.reset();
}

void RequestPath::note_config(const SetConfigUse& use, std::string_view text, const BoundValues* values) {
  const std::size_t before = step_.size();
  add_set_config(use, values, x_.text_rules(), step_);
  // Nobody can be asked for this one.
  if (std::erase_if(step_, [](const SettingsItem& item) { return item.name == seed_setting; }) > 0)
    x_.watch.note_begin({Pin::session_function}, text);
  bool unnamed = may_update_settings(text);
  if (unnamed) step_.push_back({.kind = SettingsItem::Kind::doubt});
  for (std::size_t i = before; i < step_.size(); ++i) {
    const SettingsItem& item = step_[i];
    if (item.kind == SettingsItem::Kind::doubt && item.name.empty()) unnamed = true;
    if (item.local || item.name.find('.') == std::string::npos) continue;
    if (!remember_name(x_.custom_names, item.name)) unnamed = true;
  }
  if (unnamed) note_names(text, false);
}

// Custom settings that the text may set without saying so.
void RequestPath::note_names(std::string_view text, bool bound) {
  if (text.size() > named_text_max || !find_custom_names(text, bound, x_.custom_names))
    x_.watch.unknown_names = true;
}

void RequestPath::attach_step(Expected& expected) {
  x_.settings.begin(std::exchange(step_, {}));
  expected.sets = true;
}

SettingsStep RequestPath::take_bound_step(std::string_view portal) {
  const auto found = std::find_if(x_.bound_steps.begin(), x_.bound_steps.end(),
                                  [&](const Exchange::BoundStep& bound) { return bound.portal == portal; });
  if (found == x_.bound_steps.end()) return {};
  SettingsStep step = std::move(found->step);
  x_.bound_steps.erase(found);
  return step;
}

// What the definitions of tables, views and operators call that a statement may use. Most databases have none
// that leaves anything, and the pool knows that.
void RequestPath::note_definitions(std::string_view text) {
  UnseenCode& definitions = x_.pool->code().definitions();
  if (definitions.verdict() == FunctionVerdict::harmless) return note_free_code(definitions);
  if (definitions.verdict() != FunctionVerdict::unknown) return note_code(definitions.effects(), text);
  // Asked for once in a transaction, whose other statements have to wait for the same answer.
  if (x_.definitions_unjudged) return;
  const FunctionEffects code = x_.pool->code().functions().judge(definitions_call, x_.function_question);
  x_.definitions_unjudged = code.verdict == FunctionVerdict::unknown;
  if (x_.definitions_unjudged) return;
  definitions.learn(code);
  note_code(code, text);
}

// It leaves nothing in the session, but may change what analysis finds.
void RequestPath::note_free_code(const UnseenCode& code) {
  if (!code.is_free()) note_code(code.effects(), {});
}

// Unknown functions are put off until their sources are here.
void RequestPath::judge_code(std::string_view text, const BoundValues* values) {
  const FunctionEffects code = x_.pool->code().functions().judge(text, x_.function_question);
  if (!code.is_free() && code.verdict != FunctionVerdict::unknown) {
    if (const std::optional<SetConfigUse> use = x_.pool->code().functions().unwrap(text))
      return note_config(*use, text, values);
  }
  const bool later = code.verdict == FunctionVerdict::unknown && x_.unjudged.size() < unjudged_max;
  if (later) {
    x_.unjudged.emplace_back(text);
  } else {
    note_code(code, text);
  }
}

// It may do anything that the server shows.
void RequestPath::note_opaque_code(std::string_view text) {
  FunctionEffects opaque;
  opaque.add_opaque();
  note_code(opaque, text);
}

// What a write may fire. Most databases have no trigger that leaves anything behind, and the pool knows that.
void RequestPath::note_triggers(std::string_view text) {
  switch (x_.pool->code().triggers().verdict()) {
    case FunctionVerdict::harmless:
      return note_free_code(x_.pool->code().triggers());
    case FunctionVerdict::unknown:
      x_.triggers_unjudged = true;
      return;
    default:
      return note_code(x_.pool->code().triggers().effects(), text);
  }
}

void RequestPath::note_code(const FunctionEffects& code, std::string_view text) {
  StateWatch& watch = x_.watch;
  if (code.changes_schema) {
    watch.changed_schema = true;
    // It may have been committed already, when nobody knew.
    if (!in_message_) x_.pool->schema_version()->change();
  }
  if (code.touches_context && in_message_) step_.push_back({.kind = SettingsItem::Kind::local_doubt});
  if (code.changes_schema && (code.touches_context || path_may_be_temporary()))
    watch.note_begin({Pin::temporary_object}, text);
  if (code.verdict == FunctionVerdict::harmless) return;
  for (const std::string& name : code.settings) {
    const bool is_custom = name.find('.') != std::string::npos;
    if (is_custom && !remember_name(x_.custom_names, name)) watch.unknown_names = watch.unseen = true;
    if (in_message_) {
      step_.push_back({.kind = SettingsItem::Kind::doubt, .name = name});
    } else {
      x_.settings.doubt(name);
    }
  }
  if (!code.all_named) {
    watch.unseen = true;
    watch.unknown_names = true;
    if (text.size() <= named_text_max) guess_custom_names(x_.custom_names, text);
  }
  watch.note_begin(code.pins, text);
  if (code.verdict == FunctionVerdict::lasting) watch.note_begin({Pin::session_function}, text);
  watch.may_have_ended.insert(code.pins);
}

void RequestPath::keep_bound(std::string_view portal, const StatementRef& statement, std::int32_t longer) {
  x_.bound = statement;
  x_.bound_portal = portal;
  x_.bound_longer = longer;
}

// What a portal may do is noted when it is bound, whether or not it is executed. `values` is empty for a Bind
// that is too long to be looked at.
void RequestPath::note_portal(std::string_view portal, const StatementRef& statement, ByteView values) {
  if (x_.bound && x_.bound_portal == portal) x_.bound.reset();
  if (!x_.bound_steps.empty()) (void)take_bound_step(portal);
  if (!statement) return;
  if (x_.is_opaque(statement->text)) return note(effects_of_anything(), {});
  const SqlEffects& effects = statement->effects;
  note_prepare(effects, statement->text);
  if (may_run_unknown(effects, statement->text)) note(effects_of_anything(), statement->text);
  if (effects.sets() || (effects.single && effects.verbs.intersects({Verb::discard, Verb::deallocate}))) {
    keep_bound(portal, statement, 0);
  }
  if (effects.sets()) return;  // noted when it is executed
  const bool fires = effects.writes() && !x_.pool->code().triggers().is_free();
  const bool shows = !x_.pool->code().definitions().is_free();
  const bool controls = control_verbs.contains(effects.verb) && x_.settings.follows_control();
  if (effects.is_quiet() && !fires && !shows && !controls && !x_.judgement.strict) return;
  const StatementShape* const shape = statement->shape.get();
  const BoundValues bound(values, shape != nullptr ? shape->parameter_types : statement->parameter_types);
  note(effects, statement->text, values.empty() ? nullptr : &bound);
  const bool hidden = x_.watch.unknown_names || !x_.unjudged.empty();
  BindValues each(values);
  for (std::string_view value; hidden && each.next(value);) guess_bound_name(x_.custom_names, value);
  if (step_.empty()) return;
  if (x_.bound_steps.size() >= SettingsJournal::items_max) {
    x_.watch.unseen = true;
    return;
  }
  x_.bound_steps.push_back({std::string(portal), std::exchange(step_, {})});
}

// A prepared statement that is run by its name.
void RequestPath::note_named(const Statement& statement) {
  const bool opaque = x_.is_opaque(statement.text);
  note(opaque ? effects_of_anything() : statement.effects, statement.text);
}

void RequestPath::note_set(std::string_view text) {
  std::optional<SetStatement> set = parse_set(text);
  ++x_.watch.known_sets;
  add_set(set, x_.text_rules(), step_);
  if (!set) {
    x_.watch.unknown_names = true;
    return;
  }
  const bool is_custom = set->scope == SetScope::session && set->name.find('.') != std::string::npos;
  if (is_custom && !remember_name(x_.custom_names, set->name))
    x_.watch.unknown_names = x_.watch.unseen = true;
  // It restarts random(), which cannot be replayed.
  if (set->name == seed_setting) x_.watch.note_begin({Pin::session_function}, text);
  x_.watch.set = std::move(set);
}

// It may run what the client prepared by SQL, under a name that the server alone knows.
bool RequestPath::may_run_unknown(const SqlEffects& effects, std::string_view text) const {
  if (!x_.may_have_prepared()) return false;
  if (effects.verbs.contains(Verb::execute)) return true;
  return effects.verbs.intersects({Verb::explain, Verb::create}) &&
         (!effects.single || executes_named(text).found);
}

// A PREPARE that goes out under the client's own name may take it before its tag tells.
void RequestPath::note_prepare(const SqlEffects& effects, std::string_view text) {
  if (effects.verbs.contains(Verb::prepare)) x_.watch.note_begin({Pin::sql_prepare}, text);
}

// A RESET on the server returns to the server's default. The client's is what it brought at startup. `text`
// and `verb` are of what was noted last.
bool RequestPath::loses_startup(Verb verb, std::string_view text) const {
  if (x_.startup->empty()) return false;
  const std::optional<SetStatement>& set = x_.watch.set;
  if (set) return set->action != SetAction::set && set->scope != SetScope::transaction;
  return verb == Verb::discard && parse_discard(text) == DiscardTarget::all;
}

// After an extended DISCARD ALL. It has committed when it has succeeded, so that what follows it may be a
// statement that must be the first of its transaction: ours then have a transaction of their own, by a Sync
// that changes nothing. Before it has, such a Sync could end the skipping after its error.
RequestPath::Progress RequestPath::restore_behind_discard(FrontendType next) {
  if (!x_.tracker.skipping() && next != FrontendType::Sync) {
    if (!x_.tracker.idle()) return Progress::hold;
    write_sync(x_.worker.to_server().own());
    x_.worker.to_server().end_own();
    x_.tracker.expect({.reply = Reply::sync, .fate = Fate::mute}, sink_);
    x_.batch = {};
  }
  x_.restore_due = false;
  if (!x_.tracker.skipping()) restore_startup();
  return Progress::done;
}

void RequestPath::restore_startup() {
  const std::optional<SetStatement>& set = x_.watch.set;
  const bool is_local = set && set->scope == SetScope::local;
  // One statement each, because an extended message holds no more; the encoding before what is written in it.
  const auto restore = [this, is_local](const std::string& name, const std::string& value) {
    std::string sql = make_prelude({}, {{name, value}}).sql;
    sql.pop_back();  // the semicolon
    if (is_local) sql.replace(sql.rfind(",false)"), 7, ",true)");
    if (insert_statement(sql, nullptr) == Progress::done && !is_local) x_.watch.restored = true;
  };
  const auto is_lost = [&](std::string_view name) {
    if (!set) return true;  // DISCARD ALL
    if (set->action == SetAction::reset_all) return !is_identity(name);
    // The role goes with the session's authorization.
    return name == set->name || (name == "role" && set->name == "session_authorization");
  };
  const auto encoding = x_.startup->find("client_encoding");
  if (encoding != x_.startup->end() && is_lost(encoding->first)) restore(encoding->first, encoding->second);
  for (const auto& [name, value] : *x_.startup) {
    if (name != "client_encoding" && is_lost(name)) restore(name, value);
  }
}

// currval() and lastval() must never show another session's values. A pool whose clients use them pins a
// session from its first value on; the others only note whose values a backend has.
RequestPath::Progress RequestPath::guard_sequences(const SqlEffects& effects, std::string_view text) {
  if (take_over_sequences(effects, text) == Progress::hold) return Progress::hold;
  const bool by_view = reads_relations(effects) && x_.pool->code().views_advance_sequences();
  const bool advances = may_advance_sequence(effects) || by_view;
  if (advances) x_.watch.advances_sequence = x_.advanced_sequence = true;
  if (effects.facts.contains(SqlFact::nextval_or_setval)) x_.watch.advanced_sequence = true;
  if (advances && x_.pool->code().uses_sequence_values() && x_.watch.cause.empty())
    x_.watch.cause = to_string(effects.verb);
  return Progress::done;
}

// The values on the backend are this session's from here on, and no other's are left where that matters.
RequestPath::Progress RequestPath::take_over_sequences(const SqlEffects& effects, std::string_view text) {
  Backend& backend = *x_.backend;
  const bool sees_views = reads_relations(effects);
  const bool reads = effects.reads_sequence || (sees_views && x_.pool->code().views_read_sequences());
  const bool advances =
      may_advance_sequence(effects) || (sees_views && x_.pool->code().views_advance_sequences());
  const bool views_unread = sees_views && x_.pool->code().definitions().verdict() == FunctionVerdict::unknown;
  if (!reads && !advances && !views_unread) return Progress::done;
  if (reads) x_.pool->code().learn_sequence_use();
  const bool foreign = backend.sequence_owner != x_.session || backend.sequence_mixed;
  bool guarded = x_.pool->code().uses_sequence_values();
  if (!guarded && foreign && backend.sequence_owner != 0) {
    // A view or a function that nobody has read yet may ask for them.
    FunctionQuestion ignored;
    guarded = views_unread ||
              (effects.runs_code() &&
               x_.pool->code().functions().judge(text, ignored).verdict == FunctionVerdict::unknown);
  }
  if (guarded && foreign) {
    if (backend.sequence_owner != 0) {
      if (insert_statement("DISCARD SEQUENCES", nullptr) == Progress::hold) return Progress::hold;
      x_.watch.inserted_discard = true;
    }
    backend.sequence_mixed = false;
  } else if (foreign) {
    backend.sequence_mixed = backend.sequence_mixed || backend.sequence_owner != 0;
  }
  backend.sequence_owner = x_.session;
  return Progress::done;
}

// At a Parse that may be the first message of a batch. The first statement that a batch executes is in no
// transaction block, and a procedure may COMMIT there; after a statement of ours it would not be the first.
void RequestPath::guard_batch(const Statement& statement) {
  // Where a group of ours may go out, it need not wait.
  if (x_.tracker.may_insert_group())
    static_cast<void>(take_over_sequences(statement.effects, statement.text));
}

void RequestPath::note_advance() {
  Backend& backend = *x_.backend;
  const bool foreign = backend.sequence_owner != 0 && backend.sequence_owner != x_.session;
  backend.sequence_mixed = backend.sequence_mixed || foreign;
  backend.sequence_owner = x_.session;
  x_.watch.advances_sequence = x_.advanced_sequence = true;
}

}  // namespace pgweir
