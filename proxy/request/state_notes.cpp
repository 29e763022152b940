#include "proxy/request/state_notes.hpp"

#include <algorithm>
#include <memory>
#include <optional>

#include "protocol/framer.hpp"
#include "protocol/sql_named.hpp"
#include "protocol/sql_scan.hpp"
#include "protocol/sql_set.hpp"
#include "proxy/pool/pool_commons.hpp"
#include "proxy/state/custom_names.hpp"
#include "proxy/state/schema_version.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {
namespace {

// Longer texts are not searched for the names of custom settings.
constexpr std::size_t named_text_max = query_whole_body_max;

// The most statements of one transaction that wait for the judgement of their functions; for more, the worst
// is assumed.
constexpr std::size_t unjudged_max = 64;

// These read tables, too, for which indexes, constraints and statistics are evaluated; but no view takes the value of a
// sequence for them.
constexpr VerbSet evaluating_verbs{Verb::alter, Verb::analyze, Verb::cluster, Verb::reindex, Verb::vacuum};

bool fires_event_triggers(const SqlEffects& effects) {
  return effects.verbs.intersects({Verb::alter, Verb::comment, Verb::create, Verb::drop, Verb::grant,
                                   Verb::import_, Verb::reassign, Verb::refresh, Verb::reindex, Verb::revoke,
                                   Verb::security});
}

// Its tag says so, too, but a Parse may come behind it before that does.
bool alters_schema(const SqlEffects& effects) {
  return effects.verbs.intersects({Verb::alter, Verb::drop, Verb::grant, Verb::reassign, Verb::revoke});
}

// Whether CREATE or SELECT INTO may run, also under EXPLAIN ANALYZE.
bool may_create(const SqlEffects& effects, std::string_view text) {
  return effects.verbs.contains(Verb::create) || effects.facts.contains(SqlFact::selects_into) ||
         (effects.verbs.contains(Verb::explain) && folded_find(text, "create"));
}

// Whether the text, which calls code that leaves something behind, makes an index, a table or the like that calls it from
// now on.
bool may_define_calls(std::string_view text) {
  if (!folded_find(text, "create") && !folded_find(text, "alter")) return false;
  const SqlEffects effects = effects_of(text);
  // A temporary table is its client's alone.
  return effects.verbs.intersects({Verb::create, Verb::alter}) &&
         !effects.facts.contains(SqlFact::creates_temporary);
}

// Null: it is not understood.
std::shared_ptr<const SetStatement> read_set(std::string_view text) {
  std::optional<SetStatement> set = parse_set(text);
  return set ? std::make_shared<const SetStatement>(*std::move(set)) : nullptr;
}

}  // namespace

void StateNotes::note(const SqlEffects& effects, std::string_view text, const BoundValues* values) {
  StateWatch& watch = x_.watch;
  x_.hand.set.reset();
  if (is_plain_query(effects)) return;
  const bool follows_unread_code = x_.code.any();
  const std::size_t from_names = x_.hand.step.size();
  note_settings(effects, text, values);
  const std::size_t from_text = x_.hand.step.size() - from_names;
  // The same text may make, replace or drop what it calls.
  const bool makes_code =
      !effects.single && effects.verbs.intersects({Verb::create, Verb::alter, Verb::drop});
  if (effects.runs_code() && makes_code) note_opaque_code(text);
  if (effects.runs_code() && !effects.is_unreadable()) judge_code(text, values);
  if ((effects.writes() || effects.runs_code()) && !x_.judgement.trust_triggers) note_triggers(text);
  if (reads_relations(effects) || effects.verbs.intersects(evaluating_verbs)) note_definitions(text);
  if (fires_event_triggers(effects)) judge_code(event_triggers_call);
  if (cannot_be_judged(effects, x_.judgement)) {
    watch.marks.insert(Mark::unseen);
    // A function's names are known from its source, a trigger's are not.
    if (effects.is_unreadable() || effects.writes()) watch.marks.insert(Mark::unknown_names);
  }
  if (!effects.single) note_order(effects, from_names, from_text);
  if (!x_.hand.step.empty() && effects.verbs.intersects({Verb::call, Verb::do_}))
    x_.hand.step.push_back({.kind = SettingsItem::Kind::may_commit});
  const bool creates = may_create(effects, text);
  if (effects.is_unreadable() || alters_schema(effects) ||
      (creates && !effects.facts.contains(SqlFact::creates_temporary)))
    watch.marks.insert(Mark::changed_schema);
  note_commit(effects, text);
  PinSet begun = may_begin(effects, x_.judgement);
  begun.erase({Pin::load});  // its tag tells if it has succeeded
  watch.note_begin(begun, text);
  watch.may_have_ended.insert(may_end(effects, x_.judgement));
  // What an earlier statement of the same string sets is not known in all cases.
  const bool may_set_path = follows_unread_code || (!effects.single && effects.may_set);
  const bool creates_temporary = creates && (may_set_path || path_may_be_temporary());
  if (creates_temporary) watch.note_begin({Pin::temporary_object}, text);
  const bool says_temporary = effects.facts.contains(SqlFact::creates_temporary);
  if (creates_temporary || says_temporary) x_.begin_temporary(creates && says_temporary);
  // With data, its tag is that of a SELECT.
  if (effects.verbs.contains(Verb::create) && folded_find(text, "materialized"))
    watch.marks.insert(Mark::changed_functions);
  const bool calls_builtin = effects.may_set || effects.facts.contains(SqlFact::session_advisory_lock) ||
                             effects.facts.contains(SqlFact::keeps_hidden_state);
  if (calls_builtin && effects.verbs.intersects({Verb::alter, Verb::create}))
    watch.marks.insert(Mark::changed_functions);
}

// Code that nobody has judged, or can, may make a temporary table in front of others. PostgreSQL looks names up again only
// for the first one of a server connection, which an earlier client may have made.
void StateNotes::doubt_names() {
  if (x_.backend == nullptr || !x_.hand.is_looked_at) return;
  const std::uint64_t owner = x_.backend->temporary_owner;
  if (owner != 0 && owner != x_.session_id) x_.backend->statements.doubt_names_of(x_.session_id);
}

// What the session has changed may be committed long before the answer is here.
void StateNotes::note_commit(const SqlEffects& effects, std::string_view text) {
  if (!effects.verbs.intersects({Verb::commit, Verb::end, Verb::call, Verb::do_})) return;
  const bool publishes = x_.watch.marks.contains(Mark::changed_schema) || !x_.code.unjudged.empty() ||
                         folded_find(text, "prepared");
  if (publishes && !x_.code.commit_doubt) x_.code.commit_doubt = x_.commons->schema_version()->doubt();
}

// What prepared statements and code of a string set is noted in front of or behind all that its text does, wherever they
// stand in it.
void StateNotes::note_order(const SqlEffects& effects, std::size_t from_names, std::size_t from_text) {
  const std::size_t from_code = x_.hand.step.size() - from_names - from_text;
  const bool is_alone =
      from_text == 0 && (from_names == 0 || from_code == 0) && !effects.verbs.intersects(control_verbs);
  if (from_names + from_code > 0 && !is_alone)
    x_.hand.step.push_back({.kind = SettingsItem::Kind::unordered});
}

// This is so for most statements: what follows would find nothing in them.
bool StateNotes::is_plain_query(const SqlEffects& effects) const {
  return effects.verb == Verb::select && effects.single && effects.is_quiet() && !x_.judgement.strict &&
         x_.commons->code().definitions().is_free();
}

// Whether objects that are created without a schema may be temporary.
bool StateNotes::path_may_be_temporary() const {
  return x_.client.creates_temporary() || (x_.backend != nullptr && x_.backend->default_path_is_temporary) ||
         x_.watch.marks.contains(Mark::unseen) || x_.journal.may_use_temporary_path() ||
         std::any_of(x_.hand.step.begin(), x_.hand.step.end(), [](const SettingsItem& item) {
           return item.kind == SettingsItem::Kind::local_doubt ||
                  (item.kind == SettingsItem::Kind::doubt && item.name.empty()) ||
                  (item.name == "search_path" && names_temporary(item.value));
         });
}

bool StateNotes::was_read(std::string_view text) const {
  return x_.hand.text != nullptr && x_.hand.text->text == text;
}

void StateNotes::note_settings(const SqlEffects& effects, std::string_view text, const BoundValues* values) {
  if (effects.is_unreadable()) return note_names(text, values != nullptr);
  const bool controls =
      effects.verbs.intersects(control_verbs) && (x_.journal.follows_control() || !effects.single);
  if (!effects.single) {
    const bool sets = effects.verbs.intersects({Verb::set, Verb::reset, Verb::discard}) || effects.may_set;
    if (sets || (controls && x_.journal.follows_control())) note_string(text);
  } else if (effects.sets()) {
    note_set(was_read(text) ? x_.hand.text->set : read_set(text), text);
  } else if (effects.may_set && effects.verb != Verb::do_) {
    note_config(was_read(text) ? x_.hand.text->set_config : find_set_config(text), text, values);
  } else if (effects.verb == Verb::discard && parse_discard(text) == DiscardTarget::all) {
    x_.hand.step.push_back({.kind = SettingsItem::Kind::discard_all});
  } else if (controls) {
    add_control(text, x_.hand.step);
  }
  if (effects.runs_code()) note_names(text, values != nullptr);
}

// Each statement of a query string is run once. An error undoes them all, unless one of them has ended the transaction.
void StateNotes::note_string(std::string_view text) {
  bool may_commit = false;
  StatementSplitter statements(text);
  for (SqlStatement part; statements.next(part);) {
    may_commit |= control_verbs.contains(part.verb);
    if (part.verb == Verb::set || part.verb == Verb::reset) {
      note_set(part.text);
    } else if (control_verbs.contains(part.verb)) {
      add_control(part.text, x_.hand.step);
    } else if (part.verb == Verb::discard && parse_discard(part.text) == DiscardTarget::all) {
      // It is alone but for empty statements in front of it.
      x_.hand.step.push_back({.kind = SettingsItem::Kind::discard_all});
      x_.hand.step.push_back({.kind = SettingsItem::Kind::doubt});
    } else if (const SetConfigUse use = find_set_config(part.text);
               !use.calls.empty() || use.hides_calls || may_update_settings(part.text)) {
      note_config(use, part.text, nullptr);
    }
  }
  if (may_commit) x_.hand.step.push_back({.kind = SettingsItem::Kind::may_commit});
  x_.hand.set.reset();
}

void StateNotes::note_config(const SetConfigUse& use, std::string_view text, const BoundValues* values) {
  const std::size_t before = x_.hand.step.size();
  add_set_config(use, values, x_.client.text_rules, x_.hand.step);
  // The server cannot be asked for this one.
  if (std::erase_if(x_.hand.step, [](const SettingsItem& item) { return item.name == seed_setting; }) > 0)
    x_.watch.note_begin({Pin::session_function}, text);
  bool unnamed = may_update_settings(text);
  if (unnamed) x_.hand.step.push_back({.kind = SettingsItem::Kind::doubt});
  for (std::size_t i = before; i < x_.hand.step.size(); ++i) {
    const SettingsItem& item = x_.hand.step[i];
    if (item.kind == SettingsItem::Kind::doubt && item.name.empty()) unnamed = true;
    if (item.local || item.name.find('.') == std::string::npos) continue;
    remember_name(x_.custom_names, item.name);
  }
  if (unnamed) note_names(text, false);
}

// Notes custom settings that the text may set without saying so.
void StateNotes::note_names(std::string_view text, bool bound) {
  if (text.size() > named_text_max || !find_custom_names(text, bound, x_.custom_names))
    x_.watch.marks.insert(Mark::unknown_names);
}

// Notes what the definitions of the tables, views and operators call that a statement may use. Most databases
// have none that leaves anything behind, and the pool knows that.
void StateNotes::note_definitions(std::string_view text) {
  UnseenCode& definitions = x_.commons->code().definitions();
  if (definitions.verdict() == FunctionVerdict::harmless) return note_free_code(definitions);
  if (definitions.verdict() != FunctionVerdict::unknown) return note_code(definitions.effects(), text);
  // They are asked for once in a transaction; its other statements wait for the same answer.
  if (x_.code.definitions_unjudged) return;
  const FunctionEffects code = x_.commons->code().functions().judge(definitions_call, x_.code.question);
  x_.code.definitions_unjudged = code.knowledge == CodeKnowledge::unread;
  if (x_.code.definitions_unjudged) return;
  definitions.learn(code);
  note_code(code, text);
}

// Such code leaves nothing in the session, but may change what analysis finds.
void StateNotes::note_free_code(const UnseenCode& code) {
  if (!code.is_free()) note_code(code.effects(), {});
}

// The judgement of unknown functions waits until their sources are here.
void StateNotes::judge_code(std::string_view text, const BoundValues* values) {
  const FunctionEffects code = x_.commons->code().functions().judge(text, x_.code.question);
  if (!code.is_free() && code.knowledge != CodeKnowledge::unread) {
    if (const std::optional<SetConfigUse> use = x_.commons->code().functions().unwrap(text))
      return note_config(*use, text, values);
  }
  std::vector<std::string>& unjudged = x_.code.unjudged;
  const bool is_known_text = std::find(unjudged.begin(), unjudged.end(), text) != unjudged.end();
  const bool later =
      code.knowledge == CodeKnowledge::unread && (is_known_text || unjudged.size() < unjudged_max);
  if (later) {
    // When it is judged, the path is another one. What has run before it may have set that.
    if (path_may_be_temporary() || !unjudged.empty()) x_.watch.note_begin({Pin::temporary_object}, text);
    if (!is_known_text) unjudged.emplace_back(text);
    doubt_names();
  } else {
    note_code(code, text);
  }
}

// Code that cannot be read may do anything that the server shows.
void StateNotes::note_opaque_code(std::string_view text) {
  FunctionEffects opaque;
  opaque.add_opaque();
  note_code(opaque, text);
}

// Notes what a write may fire. Most databases have no trigger that leaves anything behind, and the pool knows
// that.
void StateNotes::note_triggers(std::string_view text) {
  switch (x_.commons->code().triggers().verdict()) {
    case FunctionVerdict::harmless:
      return note_free_code(x_.commons->code().triggers());
    case FunctionVerdict::unknown:
      x_.code.triggers_unjudged = true;
      return;
    default:
      return note_code(x_.commons->code().triggers().effects(), text);
  }
}

bool StateNotes::distrusts(const FunctionEffects& code) const {
  return code.knowledge == CodeKnowledge::unreviewed && !x_.judgement.trust_unknown_code;
}

// A C library may keep anything in its variables, and change all that a session shows.
void StateNotes::note_unknown_code(FunctionEffects code, std::string_view text) {
  code.knowledge = CodeKnowledge::whole;
  code.add_opaque();
  note_code(code, text);
  x_.watch.note_begin({Pin::unknown_code}, text);
}

// There was more of it than is read, or the server did not tell.
void StateNotes::note_unread_code(FunctionEffects code, std::string_view text) {
  code.knowledge = CodeKnowledge::whole;
  code.add_opaque();
  note_code(code, text);
}

void StateNotes::note_code(const FunctionEffects& code, std::string_view text) {
  if (code.knowledge == CodeKnowledge::unread) return note_unread_code(code, text);
  if (distrusts(code)) return note_unknown_code(code, text);
  StateWatch& watch = x_.watch;
  if (code.changes_schema) {
    watch.marks.insert(Mark::changed_schema);
    // The change may have been committed already, unseen.
    if (!x_.hand.is_looked_at) x_.commons->schema_version()->change();
  }
  if (code.touches_context && x_.hand.is_looked_at)
    x_.hand.step.push_back({.kind = SettingsItem::Kind::local_doubt});
  if (code.changes_schema && (code.touches_context || path_may_be_temporary()))
    watch.note_begin({Pin::temporary_object}, text);
  // Code that may run anything may run what it is told.
  if (!code.all_named) note_definition_words(find_definition_words(text));
  note_definition_words(code.definitions);
  if (code.verdict == FunctionVerdict::harmless) return;
  if (may_define_calls(text)) watch.marks.insert(Mark::changed_functions);
  for (const std::string& name : code.settings) {
    remember_if_custom(name);
    if (x_.hand.is_looked_at) {
      x_.hand.step.push_back({.kind = SettingsItem::Kind::doubt, .name = name});
    } else {
      x_.journal.doubt(name);
    }
  }
  if (!code.all_named) {
    doubt_names();
    watch.marks.insert(Mark::unseen);
    watch.marks.insert(Mark::unknown_names);
    if (text.size() <= named_text_max && !guess_custom_names(watch.guessed_names, text))
      watch.marks.insert(Mark::missed_names);
  }
  if (x_.hand.is_looked_at && code.all_named && code.pins.contains(Pin::temporary_object))
    x_.begin_temporary(false);
  watch.note_begin(code.pins, text);
  if (code.verdict == FunctionVerdict::lasting) watch.note_begin({Pin::session_function}, text);
  watch.may_have_ended.insert(code.pins);
}

void StateNotes::keep_bound(Portals::Bound portal) {
  const StatementRef statement = portal.statement;
  if (x_.portals.keep(std::move(portal))) return;
  // What it sets will not be noted when it is run.
  const std::optional<SetStatement> set = parse_set(statement->text);
  if (set) remember_if_custom(set->name);
  x_.watch.marks.insert(Mark::unseen);
  x_.watch.marks.insert(Mark::unknown_names);
}

// What a portal may do is noted when it is bound, whether or not it is executed. `values` is empty for a Bind
// that is too long to be looked at.
void StateNotes::note_portal(std::string_view portal, const StatementRef& statement, ByteView values) {
  if (!x_.portals.is_unused()) x_.portals.forget(portal);
  if (!statement) return;
  if (x_.client.is_opaque(statement->text) || may_be_another(*statement))
    return note(effects_of_anything(), {});
  const SqlEffects& effects = statement->effects;
  note_prepare(effects, statement->text);
  if (may_run_unknown(effects, statement->text)) note(effects_of_anything(), statement->text);
  if (effects.sets() || (effects.single && effects.verbs.intersects({Verb::discard, Verb::deallocate}))) {
    keep_bound({std::string(portal), statement});
  }
  if (effects.sets()) return;  // noted when it is executed
  if (alters_schema(effects)) x_.watch.marks.insert(Mark::changed_schema);
  note_commit(effects, statement->text);
  const bool fires = effects.writes() && !x_.commons->code().triggers().is_free();
  const bool shows = !x_.commons->code().definitions().is_free();
  const bool controls = control_verbs.contains(effects.verb) && x_.journal.follows_control();
  if (control_verbs.contains(effects.verb) && !controls) x_.portals.leave_unfollowed(portal);
  if (effects.is_quiet() && !fires && !shows && !controls && !x_.judgement.strict) return;
  const StatementShape* const shape = statement->shape.get();
  const BoundValues bound(values, shape != nullptr ? shape->parameter_types : statement->parameter_types);
  note(effects, statement->text, values.empty() ? nullptr : &bound);
  const bool hidden = x_.watch.marks.contains(Mark::unknown_names) || !x_.code.unjudged.empty();
  BindValues each(values);
  for (std::string_view value; hidden && each.next(value);) guess_name(value);
  if (x_.hand.step.empty()) return;
  if (!x_.portals.keep({std::string(portal), std::exchange(x_.hand.step, {})}))
    x_.watch.marks.insert(Mark::unseen);
}

// What a portal does that the client keeps is not known any more: FETCH or code may run it, and its name may come to stand
// for another.
void StateNotes::doubt_portals() {
  Portals::Doubts doubts = x_.portals.take_doubts();
  for (SettingsItem& item : doubts.steps) x_.journal.doubt(std::move(item.name));
  for (const StatementRef& statement : doubts.sets) {
    const std::optional<SetStatement> set = parse_set(statement->text);
    if (set) remember_if_custom(set->name);
    x_.journal.doubt(set ? set->name : std::string());
  }
}

void StateNotes::remember_if_custom(const std::string& name) {
  if (name.find('.') != std::string::npos) remember_name(x_.custom_names, name);
}

void StateNotes::guess_name(std::string_view value) {
  if (!guess_bound_name(x_.watch.guessed_names, value)) x_.watch.marks.insert(Mark::missed_names);
  note_definition_words(find_definition_words(value));
}

void StateNotes::note_definition_words(const DefinitionWords& words) {
  if (words.change_code) x_.watch.marks.insert(Mark::changed_functions);
  if (words.change_defaults) x_.watch.marks.insert(Mark::changed_defaults);
}

// Notes what a prepared statement does that a text of this verb, `by`, names: it runs it, plans it, or runs it only perhaps.
// EXPLAIN and CREATE TABLE AS do not run a SET or the like.
void StateNotes::note_use(Verb verb, const Statement& statement, std::string_view by) {
  if (statement.effects.runs_code()) note_arguments(by);
  static constexpr VerbSet planned{Verb::select, Verb::insert_, Verb::update, Verb::delete_,
                                   Verb::merge,  Verb::values,  Verb::table,  Verb::with};
  if (verb == Verb::execute) return note_named(statement);
  if (verb != Verb::explain && verb != Verb::create) return;
  const bool may_run = planned.contains(statement.effects.verb) && !statement.effects.is_quiet();
  if (may_run || x_.client.is_opaque(statement.text)) note_opaque_code(statement.text);
}

// Code that runs what it is told is told it by the text that runs its statement.
void StateNotes::note_arguments(std::string_view by) {
  note_definition_words(find_definition_words(by));
  if (by.size() > named_text_max || !guess_custom_names(x_.watch.guessed_names, by))
    x_.watch.marks.insert(Mark::missed_names);
}

// Whether code may have prepared another one under the name, unseen.
bool StateNotes::may_be_another(const Statement& statement) const {
  return statement.has_client_name && x_.may_have_prepared();
}

// Notes what a prepared statement does that is run by its name.
void StateNotes::note_named(const Statement& statement) {
  const bool opaque = x_.client.is_opaque(statement.text) || may_be_another(statement);
  note(opaque ? effects_of_anything() : statement.effects, statement.text);
}

void StateNotes::note_set(std::string_view text) {
  note_set(read_set(text), text);
}

void StateNotes::note_set(std::shared_ptr<const SetStatement> set, std::string_view text) {
  ++x_.watch.known_sets;
  add_set(set.get(), x_.client.text_rules, x_.hand.step);
  if (!set) {
    x_.watch.marks.insert(Mark::unknown_names);
    return;
  }
  if (set->scope == SetScope::session) remember_if_custom(set->name);
  // This setting restarts random(), which cannot be replayed.
  if (set->name == seed_setting) x_.watch.note_begin({Pin::session_function}, text);
  x_.hand.set = std::move(set);
}

// Whether the text may run a statement that the client prepared by SQL, under a name that only the server
// knows.
bool StateNotes::may_run_unknown(const SqlEffects& effects, std::string_view text) const {
  if (!x_.may_have_prepared()) return false;
  if (effects.verbs.contains(Verb::execute)) return true;
  return effects.verbs.intersects({Verb::explain, Verb::create}) &&
         (!effects.single || executes_named(text).found);
}

// A PREPARE that goes out under the client's own name may take that name before its tag tells.
void StateNotes::note_prepare(const SqlEffects& effects, std::string_view text) {
  if (effects.verbs.contains(Verb::prepare)) x_.watch.note_begin({Pin::sql_prepare}, text);
}

}  // namespace pgweir
