#include "proxy/request_path.hpp"

#include <array>

#include "protocol/error_response.hpp"
#include "protocol/frontend.hpp"
#include "protocol/sql_scan.hpp"
#include "proxy/custom_names.hpp"
#include "proxy/pool.hpp"
#include "proxy/worker.hpp"

namespace pgweir {
namespace {

using Disposition = RequestPath::Disposition;
using Presence = BackendStatements::Presence;

// Messages of one client that its backend has not answered. More would not make a pipeline faster, but what a
// client that vanishes leaves behind has to be worked off before the backend is free again, and a cancel ends
// one query only.
constexpr std::size_t outstanding_max = 256;
constexpr std::size_t queries_max = 16;

// Longer texts are not searched for the names of custom settings.
constexpr std::size_t named_text_max = 64 * 1024;

// Statements of one transaction that wait for the judgement of their functions; the rest is taken for the
// worst.
constexpr std::size_t unjudged_max = 16;

// What inserted statements of ours are called, in the middle of a client's extended batch.
constexpr std::string_view own_name = "__pgweir_own";

// Settings that decide what a text means when it is parsed: names are looked up, literals are read.
constexpr std::array<std::string_view, 12> parse_settings = {"array_nulls",
                                                             "client_encoding",
                                                             "datestyle",
                                                             "default_text_search_config",
                                                             "intervalstyle",
                                                             "lc_monetary",
                                                             "role",
                                                             "search_path",
                                                             "session_authorization",
                                                             "timezone",
                                                             "timezone_abbreviations",
                                                             "transform_null_equals"};

std::string parse_scope(const SettingMap& settings) {
  std::string scope;
  for (const std::string_view name : parse_settings) {
    const auto it = settings.find(name);
    if (it != settings.end()) scope.append(name).append("=").append(it->second).append("\n");
  }
  return scope;
}

bool is_copy_message(FrontendType t) {
  return t == FrontendType::CopyData || t == FrontendType::CopyDone || t == FrontendType::CopyFail;
}

// Only a name that was cut has to be remembered.
std::shared_ptr<const std::string> spelled(std::string_view name) {
  return name.size() > identifier_max ? std::make_shared<const std::string>(name) : nullptr;
}

}  // namespace

Disposition RequestPath::take(const Piece& piece) {
  if (!piece.first) return take_rest(piece);
  const auto type = static_cast<FrontendType>(piece.type);
  discarding_rest_ = false;
  if (type == FrontendType::Terminate) return Disposition::terminate;
  if (x_.tracker.fencing() || x_.tracker.needs_fence() || x_.naming) return Disposition::hold;
  if (is_copy_message(type)) return take_copy(piece);
  if (type == FrontendType::Flush) {
    if (x_.backend != nullptr) forward_bytes(piece);
    return Disposition::taken;
  }
  if (type == FrontendType::Sync) return take_sync(piece);
  if (x_.tracker.skipping()) {
    discarding_rest_ = true;
    return Disposition::taken;
  }
  if (x_.tracker.copy_in()) return Disposition::copy_violation;
  if (x_.tracker.copy_possible() || x_.tracker.outstanding() >= outstanding_max) return Disposition::hold;
  if (x_.backend == nullptr) return Disposition::needs_backend;
  if (x_.listen && x_.tracker.settled()) x_.listen->begin();
  switch (type) {
    case FrontendType::Query:
      return x_.tracker.outstanding() < queries_max ? take_query(piece) : Disposition::hold;
    case FrontendType::Parse:
      return take_parse(piece);
    case FrontendType::Bind:
      return take_bind(piece);
    case FrontendType::Describe:
      return take_describe(piece);
    case FrontendType::Close:
      return take_close(piece);
    case FrontendType::Execute:
      return take_execute(piece);
    default:
      if (x_.listen) x_.listen->note_may_notify();
      return forward(piece, {.reply = Reply::function_call});
  }
}

Disposition RequestPath::take_rest(const Piece& piece) {
  if (!discarding_rest_ && x_.backend != nullptr) forward_bytes(piece);
  return Disposition::taken;
}

// Outside of COPY IN the server ignores them, so there they go nowhere.
Disposition RequestPath::take_copy(const Piece& piece) {
  if (!x_.tracker.copy_possible()) {
    discarding_rest_ = true;
    return Disposition::taken;
  }
  forward_bytes(piece);
  if (piece.type != static_cast<char>(FrontendType::CopyData))
    x_.tracker.expect({.reply = Reply::copy_end}, sink_);
  return Disposition::taken;
}

Disposition RequestPath::take_sync(const Piece& piece) {
  if (x_.backend == nullptr) return Disposition::needs_backend;
  return forward(piece, {.reply = Reply::sync});
}

void RequestPath::forward_bytes(const Piece& piece) {
  x_.forwarded = true;
  x_.worker.to_server().add_view(piece.bytes);
}

Disposition RequestPath::forward(const Piece& piece, Expected expected) {
  forward_bytes(piece);
  x_.tracker.expect(std::move(expected), sink_);
  return Disposition::taken;
}

// --- Simple query

Disposition RequestPath::take_query(const Piece& piece) {
  QueryView query;
  const bool understood = piece.whole() && parse_query(piece.body(), query) == Errc::ok;
  // What nobody can read may do anything.
  const SqlEffects effects = understood && !x_.opaque_text ? effects_of(query.text) : effects_of_anything();
  if (!guard_sequences(effects)) return Disposition::hold;
  Expected expected{.reply = Reply::query};
  expected.may_copy = effects.verbs.intersects({Verb::copy, Verb::undecided});
  const bool may_listen = x_.listen || effects.facts.contains(SqlFact::listens);
  if (may_listen &&
      !follow_query(understood ? query.text : std::string_view{}, understood, effects, expected))
    return Disposition::hold;
  if (effects.verbs.intersects(
          {Verb::prepare, Verb::execute, Verb::deallocate, Verb::explain, Verb::create}) &&
      understood) {
    const std::optional<Disposition> renamed = rewrite_named_query(query.text, expected);
    if (renamed) {
      if (*renamed == Disposition::taken) note(effects, query.text, false);
      return *renamed;
    }
    // It may run what the client prepared by SQL under a name that nobody else knows.
    if (effects.verbs.contains(Verb::execute) && x_.pins.contains(Pin::sql_prepare))
      note(effects_of_anything(), query.text, false);
  }
  note(effects, query.text, false);
  begin_query(expected);
  forward(piece, std::move(expected));
  restore_startup();
  return Disposition::taken;
}

// A RESET on the server returns to the server's default. The client's is what it brought at startup.
void RequestPath::restore_startup() {
  const std::optional<SetStatement>& set = x_.watch.set;
  if (!set || set->action == SetAction::set || set->scope != SetScope::session || x_.startup->empty()) return;
  // One statement each, because an extended message holds no more; the encoding before what is written in it.
  const auto restore = [this](const std::string& name, const std::string& value) {
    std::string sql = make_prelude({}, {{name, value}}).sql;
    sql.pop_back();  // the semicolon
    if (insert_statement(sql, nullptr)) x_.watch.restored = true;
  };
  const bool all = set->action == SetAction::reset_all;
  const auto is_lost = [&](std::string_view name) {
    return all ? name != "role" && name != "session_authorization" : name == set->name;
  };
  const auto encoding = x_.startup->find("client_encoding");
  if (encoding != x_.startup->end() && is_lost(encoding->first)) restore(encoding->first, encoding->second);
  for (const auto& [name, value] : *x_.startup) {
    if (name != "client_encoding" && is_lost(name)) restore(name, value);
  }
}

// A Query drops the unnamed statement, whatever becomes of it (exec_simple_query).
void RequestPath::begin_query(Expected& expected) {
  ++x_.watch.statements;
  x_.mixed_protocols |= x_.tracker.unsynced();
  expected.holds = true;
  if (expected.listens) x_.listen->forwarded();
  x_.backend->statements.begin_unnamed(nullptr, x_.tracker.segment());
  if (x_.statements.find({}) == nullptr) return;
  x_.statements.begin_erase({});
  expected.names = true;
}

void RequestPath::note(const SqlEffects& effects, std::string_view text, bool bound) {
  StateWatch& watch = x_.watch;
  watch.set.reset();
  if (effects.sets()) note_set(text);
  const bool names_settings =
      effects.may_set || effects.runs_code() || (!effects.single && effects.verbs.contains(Verb::set));
  const bool all_named =
      !names_settings || (text.size() <= named_text_max && find_custom_names(text, bound, x_.custom_names));
  if (!all_named && effects.facts.contains(SqlFact::set_config) && !effects.is_unreadable()) {
    // Of a name that is computed. The server does not list it, so it can neither follow nor be taken back.
    watch.note_begin({Pin::session_function}, text);
  } else if (!all_named) {
    watch.unknown_names = true;
  }
  if (effects.may_set) watch.unseen = true;
  if (effects.runs_code() && !effects.is_unreadable()) judge_code(text);
  if ((effects.writes() || effects.runs_code()) && !x_.judgement.trust_triggers) note_triggers(text);
  if (cannot_be_judged(effects, x_.judgement)) {
    watch.unseen = true;
    // A function's names are known from its source, a trigger's are not.
    if (effects.is_unreadable() || effects.writes()) watch.unknown_names = true;
  }
  watch.note_begin(may_begin(effects, x_.judgement), text);
  watch.may_have_ended.insert(may_end(effects, x_.judgement));
  if (effects.verbs.contains(Verb::create) && x_.creates_temporary()) {
    watch.note_begin({Pin::temporary_object}, text);
  }
}

// Unknown functions are put off until their sources are here.
void RequestPath::judge_code(std::string_view text) {
  const FunctionEffects code = x_.pool->functions().judge(text, x_.function_question);
  const bool later = code.verdict == FunctionVerdict::unknown && x_.unjudged.size() < unjudged_max;
  if (later) {
    x_.unjudged.emplace_back(text);
  } else {
    note_code(code, text);
  }
}

// What a write may fire. Most databases have no trigger that leaves anything behind, and the pool knows that.
void RequestPath::note_triggers(std::string_view text) {
  switch (x_.pool->triggers().verdict()) {
    case FunctionVerdict::harmless:
      return;
    case FunctionVerdict::unknown:
      x_.triggers_unjudged = true;
      return;
    default:
      return note_code(x_.pool->triggers().effects(), text);
  }
}

void RequestPath::note_code(const FunctionEffects& code, std::string_view text) {
  if (code.verdict == FunctionVerdict::harmless) return;
  StateWatch& watch = x_.watch;
  watch.unseen = true;
  for (const std::string& name : code.custom) {
    if (!remember_name(x_.custom_names, name)) watch.unknown_names = true;
  }
  if (!code.all_named) watch.unknown_names = true;
  PinSet pins = visible_pins;
  if (code.verdict == FunctionVerdict::lasting) pins.insert(Pin::session_function);
  watch.note_begin(pins, text);
  watch.may_have_ended.insert(visible_pins);
}

void RequestPath::note_set(std::string_view text) {
  std::optional<SetStatement> set = parse_set(text);
  if (!set) return;
  if (set->scope != SetScope::session) ++x_.watch.local_sets;
  if (set->scope == SetScope::session && set->name.find('.') != std::string::npos &&
      !remember_name(x_.custom_names, set->name))
    x_.watch.unknown_names = x_.watch.unseen = true;
  // It restarts random(), which cannot be replayed.
  if (set->name == "seed") x_.watch.note_begin({Pin::session_function}, text);
  x_.watch.set = std::move(set);
}

// currval() and lastval() must never show another session's values. A pool whose clients use them pins a
// session from its first value on; the others only note whose values a backend has.
bool RequestPath::guard_sequences(const SqlEffects& effects) {
  Backend& backend = *x_.backend;
  const bool reads = effects.facts.contains(SqlFact::sequence_value);
  const bool advances = may_advance_sequence(effects);
  if (!reads && !advances) return true;
  if (reads) x_.pool->learn_sequence_use();
  const bool foreign = backend.sequence_owner != x_.session || backend.sequence_mixed;
  const bool guarded = x_.pool->uses_sequence_values();
  if (guarded && foreign) {
    if (backend.sequence_owner != 0) {
      if (!insert_statement("DISCARD SEQUENCES", nullptr)) return false;
      x_.watch.inserted_discard = true;
    }
    backend.sequence_mixed = false;
  } else if (foreign) {
    backend.sequence_mixed = backend.sequence_mixed || backend.sequence_owner != 0;
  }
  backend.sequence_owner = x_.session;
  if (advances) x_.watch.advances_sequence = x_.advanced_sequence = true;
  if (effects.facts.contains(SqlFact::nextval_or_setval)) x_.watch.advanced_sequence = true;
  if (guarded && x_.watch.cause.empty()) x_.watch.cause = to_string(effects.verb);
  return true;
}

// --- SQL that names a prepared statement

// The server would say so, if it still saw the name. Only where nothing else is to be said before.
void RequestPath::tell_cut(std::string_view text, const NamedStatement& named) {
  if (named.name_size <= identifier_max || !x_.tracker.idle()) return;
  std::string whole = ascii_lower(text.substr(named.name_offset, named.name_size));
  if (whole.front() == '"') {
    whole.clear();
    const std::string_view quoted = text.substr(named.name_offset + 1, named.name_size - 2);
    for (std::size_t i = 0; i < quoted.size(); ++i) {
      whole += quoted[i];
      if (quoted[i] == '"') ++i;
    }
  }
  if (whole.size() <= identifier_max) return;
  const std::string message = "identifier \"" + whole + "\" will be truncated to \"" + named.name + '"';
  ErrorFields fields;
  fields.severity = "NOTICE";
  fields.code = "42622";
  fields.message = message;
  write_notice_response(x_.worker.to_client().own(), fields);
  x_.worker.to_client().end_own();
}

// EXECUTE, DEALLOCATE, EXPLAIN EXECUTE, or a PREPARE that takes a name again: the server knows the statement
// under our name. Empty: nothing to rename.
std::string RequestPath::rename_statement(std::string_view text, StatementRef& statement) {
  std::optional<NamedStatement> named = executes_named(text).statement;
  if (!named) named = parse_named(text);
  if (!named || named->verb == NamedVerb::deallocate_all) return {};
  statement = x_.statements.find(named->name);
  if (!statement || statement->server_name.empty()) return {};
  tell_cut(text, *named);
  if (named->verb == NamedVerb::deallocate) {
    x_.naming_name = named->name;
    x_.naming_statement.reset();
  }
  std::string renamed(text.substr(0, named->name_offset));
  renamed += '"' + statement->server_name + '"';
  return renamed += text.substr(named->name_offset + named->name_size);
}

// A PREPARE of a new name: it gets a name of ours on the server, so that it can be made on others, too.
std::string RequestPath::rename_prepare(std::string_view text) {
  const std::optional<NamedStatement> named = parse_named(text);
  if (!named || named->verb != NamedVerb::prepare || x_.statements.find(named->name)) return {};
  tell_cut(text, *named);
  const std::string_view rest = text.substr(named->name_offset + named->name_size);
  x_.naming_name = named->name;
  x_.naming_statement = x_.pool->statements().make_by_sql(rest, named->body);
  std::string renamed(text.substr(0, named->name_offset));
  renamed += '"' + x_.naming_statement->server_name + '"';
  return renamed += rest;
}

// nullopt: the text goes out as it is.
std::optional<Disposition> RequestPath::rewrite_named_query(std::string_view text, Expected& expected) {
  if (!is_single_statement(text)) return rewrite_string(text, expected);
  x_.naming_name.clear();
  x_.naming_statement.reset();
  StatementRef statement;
  std::string renamed = rename_statement(text, statement);
  if (renamed.empty()) {
    renamed = rename_prepare(text);
    if (renamed.empty()) return std::nullopt;
    if (x_.statements.full()) return Disposition::too_many_names;
    evict();
    statement = x_.naming_statement;
  } else {
    if (!provide_for_query(statement)) return Disposition::hold;
    note(statement->effects, statement->text, false);
  }
  x_.naming = !x_.naming_name.empty();
  expected.statement = statement;
  expected.longer =
      static_cast<std::uint32_t>(renamed.size() > text.size() ? renamed.size() - text.size() : 0);
  send_rewritten(renamed, expected);
  return Disposition::taken;
}

// Several statements: those among them that run a prepared one, and one that drops it.
std::optional<Disposition> RequestPath::rewrite_string(std::string_view text, Expected& expected) {
  if (x_.statements.committed().empty()) return std::nullopt;
  std::string rewritten;
  std::size_t copied = 0;
  std::string dropped;
  StatementSplitter statements(text);
  for (SqlStatement part; statements.next(part);) {
    std::optional<NamedStatement> named = executes_named(part.text).statement;
    if (!named && part.verb == Verb::deallocate) named = parse_named(part.text);
    const StatementRef statement = named ? x_.statements.find(named->name) : nullptr;
    if (!statement || statement->server_name.empty()) continue;
    if (!provide_for_query(statement)) return Disposition::hold;
    note(statement->effects, statement->text, false);
    if (named->verb == NamedVerb::deallocate) dropped = named->name;
    const std::size_t at = static_cast<std::size_t>(part.text.data() - text.data()) + named->name_offset;
    rewritten += text.substr(copied, at - copied);
    rewritten += '"' + statement->server_name + '"';
    copied = at + named->name_size;
    expected.statement = statement;
  }
  if (copied == 0) return std::nullopt;
  rewritten += text.substr(copied);
  x_.naming = !dropped.empty();
  x_.naming_name = std::move(dropped);
  x_.naming_statement.reset();
  send_rewritten(rewritten, expected);
  return Disposition::taken;
}

void RequestPath::send_rewritten(std::string_view text, Expected& expected) {
  begin_query(expected);
  write_query(x_.worker.to_server().own(), text);
  x_.worker.to_server().end_own();
  x_.forwarded = true;
  x_.tracker.expect(std::move(expected), sink_);
}

// In front of a Query, whose answer an error of ours must not swallow.
bool RequestPath::provide_for_query(const StatementRef& statement) {
  ResponseTracker& tracker = x_.tracker;
  const Presence presence = x_.backend->statements.find(statement, tracker.segment());
  if (presence == Presence::present) return true;
  if (tracker.unsynced() || statement->by_sql) return provide_named(statement);
  if (presence == Presence::undecided || !tracker.may_insert_group()) return false;
  ByteBuffer& out = x_.worker.to_server().own();
  write_parse(out, statement->server_name, statement->text, statement->parameter_types);
  write_sync(out);
  x_.worker.to_server().end_own();
  x_.pool->counters(x_.worker).statements_injected.add();
  x_.backend->statements.begin_parse(statement, tracker.segment());
  tracker.expect({.reply = Reply::parse, .fate = Fate::mute, .holds = true, .statement = statement}, sink_);
  tracker.expect({.reply = Reply::sync, .fate = Fate::mute}, sink_);
  return true;
}

// Between two batches a Query of ours, whose errors are ours, too. Within one, an error concerns the client's
// next message, as if that had failed.
bool RequestPath::insert_statement(std::string_view sql, const StatementRef& prepares) {
  ResponseTracker& tracker = x_.tracker;
  if (tracker.may_insert_group()) {
    write_query(x_.worker.to_server().own(), sql);
    x_.worker.to_server().end_own();
    x_.own.push_back(OwnQuery::nothing);
    x_.backend->statements.begin_unnamed(nullptr, tracker.segment());
    if (prepares) x_.backend->statements.begin_parse(prepares, tracker.segment());
    tracker.expect({.reply = Reply::query, .fate = Fate::mute, .holds = true, .statement = prepares}, sink_);
    return true;
  }
  if (!tracker.unsynced()) return false;
  ByteBuffer& out = x_.worker.to_server().own();
  write_parse(out, own_name, sql, no_parameter_types);
  write_bind(out, own_name, own_name);
  write_execute(out, own_name);
  write_close_portal(out, own_name);
  write_close_statement(out, own_name);
  x_.worker.to_server().end_own();
  if (prepares) x_.backend->statements.begin_parse(prepares, tracker.segment());
  for (const Reply reply : {Reply::parse, Reply::bind, Reply::execute, Reply::close, Reply::close}) {
    const bool makes = prepares && reply == Reply::execute;
    tracker.expect(
        {.reply = reply, .fate = Fate::drop, .holds = makes, .statement = makes ? prepares : StatementRef{}},
        sink_);
  }
  return true;
}

// --- Extended query

Disposition RequestPath::take_parse(const Piece& piece) {
  ParseView parse;
  // The server says what is wrong with it.
  if (parse_parse(piece.body(), parse) != Errc::ok) return forward(piece, {.reply = Reply::parse});
  if (x_.listen && !show_channels(parse.text)) return Disposition::hold;
  const Verb verb = leading_verb(parse.text);
  const bool may_execute = verb == Verb::explain || verb == Verb::create;
  if (verb == Verb::execute || verb == Verb::deallocate || verb == Verb::prepare ||
      (may_execute && executes_named(parse.text).found))
    return take_naming_parse(piece, parse);
  if (!parse.name.empty()) return take_named_parse(parse.name, parse.text, parse.parameter_types);

  StatementRef statement = x_.statements.find({});
  const bool same_as_before = statement && statement->server_name.empty() && statement->text == parse.text &&
                              as_text(statement->parameter_types) == as_text(parse.parameter_types);
  if (!same_as_before) statement = make_unnamed(parse.text, parse.parameter_types);
  x_.statements.begin_put({}, statement);
  x_.backend->statements.begin_unnamed(statement, x_.tracker.segment());
  return forward(piece,
                 {.reply = Reply::parse, .names = true, .holds = true, .statement = std::move(statement)});
}

// A Parse of an EXECUTE or DEALLOCATE: the statement that it names has to be there, under our name, by its
// Execute.
Disposition RequestPath::take_naming_parse(const Piece& piece, const ParseView& parse) {
  StatementRef named;
  const std::string renamed = rename_statement(parse.text, named);
  if (!parse.name.empty())
    return take_named_parse(parse.name, renamed.empty() ? parse.text : renamed, parse.parameter_types);
  if (!renamed.empty() && !provide_named(named)) return Disposition::hold;
  if (named) note(named->effects, named->text, false);
  const StatementRef statement = make_unnamed(renamed.empty() ? parse.text : renamed, parse.parameter_types);
  x_.statements.begin_put({}, statement);
  x_.backend->statements.begin_unnamed(statement, x_.tracker.segment());
  Expected expected{.reply = Reply::parse, .names = true, .holds = true, .statement = statement};
  if (renamed.empty()) return forward(piece, std::move(expected));
  write_parse(x_.worker.to_server().own(), {}, renamed, parse.parameter_types);
  x_.worker.to_server().end_own();
  x_.forwarded = true;
  x_.tracker.expect(std::move(expected), sink_);
  return Disposition::taken;
}

Disposition RequestPath::take_named_parse(std::string_view name, std::string_view text, ByteView types) {
  if (const StatementRef known = x_.statements.find(name)) return repeat_parse({name, text, types}, known);
  if (x_.statements.full()) return Disposition::too_many_names;
  StatementRef statement = x_.pool->statements().intern(text, types, parse_scope(*x_.desired));
  const Presence presence = x_.backend->statements.find(statement, x_.tracker.segment());
  if (presence == Presence::undecided) return Disposition::hold;
  // In a failed transaction a Parse is an error. Where that is possible the server has to say so: by a real
  // Parse, under another name if it has this one.
  const bool may_fail =
      x_.tracker.status() == TransactionStatus::failed || (!x_.tracker.idle() && x_.tracker.awaits_ready());
  if (presence == Presence::present && !may_fail) {
    x_.statements.begin_put(name, statement);
    x_.tracker.expect({.reply = Reply::parse, .fate = Fate::inject, .names = true, .statement = statement},
                      sink_);
    return Disposition::taken;
  }
  if (presence == Presence::present) statement = x_.pool->statements().copy(statement);
  evict();
  write_parse(x_.worker.to_server().own(), statement->server_name, text, types);
  x_.worker.to_server().end_own();
  x_.forwarded = true;
  x_.statements.begin_put(name, statement);
  x_.backend->statements.begin_parse(statement, x_.tracker.segment());
  x_.tracker.expect({.reply = Reply::parse, .names = true, .holds = true, .statement = statement}, sink_);
  return Disposition::taken;
}

// The name is taken: a Parse under the name of a statement that exists already makes the server say so
// (42P05), or whatever else is wrong with the text first.
Disposition RequestPath::repeat_parse(const ParseView& parse, const StatementRef& known) {
  if (!provide_named(known)) return Disposition::hold;
  write_parse(x_.worker.to_server().own(), known->server_name, parse.text, parse.parameter_types);
  x_.worker.to_server().end_own();
  x_.forwarded = true;
  x_.tracker.expect({.reply = Reply::parse, .statement = known, .spelled = spelled(parse.name)}, sink_);
  return Disposition::taken;
}

// At the limit, the least recently used statements make room. (More than one after a pipeline whose
// statements could not be closed while they were under way.)
void RequestPath::evict() {
  while (const StatementRef victim = x_.backend->statements.to_evict()) {
    write_close_statement(x_.worker.to_server().own(), victim->server_name);
    x_.worker.to_server().end_own();
    x_.backend->statements.begin_close(victim, x_.tracker.segment());
    x_.tracker.expect({.reply = Reply::close, .fate = Fate::drop, .holds = true, .statement = victim}, sink_);
  }
}

bool RequestPath::provide_named(const StatementRef& statement) {
  const Presence presence = x_.backend->statements.find(statement, x_.tracker.segment());
  if (presence == Presence::undecided) return false;
  if (presence == Presence::present) return true;
  if (statement->by_sql) return provide_by_sql(statement);
  evict();
  write_parse(x_.worker.to_server().own(), statement->server_name, statement->text,
              statement->parameter_types);
  x_.worker.to_server().end_own();
  x_.pool->counters(x_.worker).statements_injected.add();
  x_.backend->statements.begin_parse(statement, x_.tracker.segment());
  x_.tracker.expect({.reply = Reply::parse, .fate = Fate::drop, .holds = true, .statement = statement},
                    sink_);
  return true;
}

bool RequestPath::provide_by_sql(const StatementRef& statement) {
  const std::string sql = "PREPARE \"" + statement->server_name + '"' + statement->text;
  if (!insert_statement(sql, statement)) return false;
  x_.pool->counters(x_.worker).statements_injected.add();
  return true;
}

// The backend's unnamed statement may be another client's, and must never run for this one.
bool RequestPath::provide_unnamed(const StatementRef& statement) {
  const Presence presence = x_.backend->statements.find_unnamed(statement, x_.tracker.segment());
  if (presence == Presence::undecided) return false;
  if (presence == Presence::present) return true;
  ByteBuffer& out = x_.worker.to_server().own();
  if (statement) {
    write_parse(out, {}, statement->text, statement->parameter_types);
  } else {
    write_close_statement(out, {});
  }
  x_.worker.to_server().end_own();
  x_.backend->statements.begin_unnamed(statement, x_.tracker.segment());
  const Reply reply = statement ? Reply::parse : Reply::close;
  x_.tracker.expect({.reply = reply, .fate = Fate::drop, .holds = true, .statement = statement}, sink_);
  return true;
}

bool RequestPath::provide(std::string_view name, const StatementRef& statement) {
  if (name.empty()) return provide_unnamed(statement);
  return !statement || provide_named(statement);
}

Disposition RequestPath::take_bind(const Piece& piece) {
  BindView bind;
  if (parse_bind(piece.body(), bind) != Errc::ok) return forward(piece, {.reply = Reply::bind});
  const StatementRef statement = x_.statements.find(bind.statement);
  if (statement && !guard_sequences(statement->effects)) return Disposition::hold;
  if (x_.listen && statement && !show_channels(statement->text)) return Disposition::hold;
  if (!provide(bind.statement, statement)) return Disposition::hold;
  if (x_.listen || (statement && statement->effects.facts.contains(SqlFact::listens)))
    follow_bind(bind.portal, statement);
  if (statement && statement->may_copy()) x_.copy_portal = true;
  note_portal(bind.portal, statement, piece.whole() ? bind.rest : ByteView{});
  std::string_view server_name = bind.statement;
  if (statement) server_name = statement->server_name;
  // A name of the client's own that looks like one of ours stands for nothing.
  if (!statement && server_name.starts_with(server_name_prefix)) server_name = server_name.substr(1);
  if (server_name == bind.statement) return forward(piece, {.reply = Reply::bind});
  const std::size_t head = message_length_size + bind.portal.size() + 1 + bind.statement.size() + 1;
  write_bind_head(x_.worker.to_server().own(), bind.portal, server_name,
                  piece.body_size + message_length_size - head);
  x_.worker.to_server().end_own();
  x_.worker.to_server().add_view(bind.rest);
  x_.forwarded = true;
  x_.tracker.expect({.reply = Reply::bind, .statement = statement, .spelled = spelled(bind.statement)},
                    sink_);
  return Disposition::taken;
}

Disposition RequestPath::take_describe(const Piece& piece) {
  TargetView target;
  const bool understood = parse_target(piece.body(), target) == Errc::ok;
  if (!understood || target.kind != 'S') {
    return forward(piece, {.reply = target.kind == 'S' ? Reply::describe_statement : Reply::describe_portal});
  }
  const StatementRef statement = x_.statements.find(target.name);
  if (!provide(target.name, statement)) return Disposition::hold;
  std::string_view server_name = target.name;
  if (statement) server_name = statement->server_name;
  if (!statement && server_name.starts_with(server_name_prefix)) server_name = server_name.substr(1);
  if (server_name == target.name) return forward(piece, {.reply = Reply::describe_statement});
  write_describe_statement(x_.worker.to_server().own(), server_name);
  x_.worker.to_server().end_own();
  x_.forwarded = true;
  x_.tracker.expect({.reply = Reply::describe_statement, .statement = statement}, sink_);
  return Disposition::taken;
}

// The backend keeps a named statement for others. A name that we do not know may be one that SQL prepared.
Disposition RequestPath::take_close(const Piece& piece) {
  TargetView target;
  const bool understood = parse_target(piece.body(), target) == Errc::ok;
  if (!understood || target.kind != 'S') return forward(piece, {.reply = Reply::close});
  if (target.name.empty()) {
    x_.statements.begin_erase({});
    x_.backend->statements.begin_unnamed(nullptr, x_.tracker.segment());
    return forward(piece, {.reply = Reply::close, .names = true, .holds = true});
  }
  const StatementRef statement = x_.statements.find(target.name);
  if (!statement && !target.name.starts_with(server_name_prefix))
    return forward(piece, {.reply = Reply::close});
  Expected expected{.reply = Reply::close, .fate = Fate::inject};
  if (statement) {
    x_.statements.begin_erase(target.name);
    expected.names = true;
  }
  x_.tracker.expect(std::move(expected), sink_);
  return Disposition::taken;
}

// What a portal may do is noted when it is bound, whether or not it is executed. `values` is empty for a Bind
// that is too long to be looked at.
void RequestPath::note_portal(std::string_view portal, const StatementRef& statement, ByteView values) {
  if (x_.set_portal && x_.set_portal_name == portal) x_.set_portal.reset();
  if (!statement) return;
  if (x_.opaque_text) return note(effects_of_anything(), {}, false);
  const SqlEffects& effects = statement->effects;
  if (effects.sets()) {
    // Counted when it is executed; the name of what it sets has to be known even if it is one of several
    // portals.
    x_.set_portal = statement;
    x_.set_portal_name = portal;
    find_custom_names(statement->text, true, x_.custom_names);
    if (!x_.judgement.strict) return;
  }
  const bool fires = effects.writes() && x_.pool->triggers().verdict() != FunctionVerdict::harmless;
  if (effects.is_quiet() && !fires && !x_.judgement.strict) return;
  if (effects.may_set) {
    BindValues bound(values);
    for (std::string_view value; bound.next(value);) remember_bound_name(x_.custom_names, value);
  }
  note(effects, statement->text, !values.empty());
}

Disposition RequestPath::take_execute(const Piece& piece) {
  Expected expected{.reply = Reply::execute, .may_copy = x_.copy_portal};
  if (x_.listen && !follow_execute(piece, expected)) return Disposition::hold;
  ++x_.watch.statements;
  x_.watch.set.reset();
  ExecuteView execute;
  const bool sets = x_.set_portal && parse_execute(piece.body(), execute) == Errc::ok &&
                    execute.portal == x_.set_portal_name;
  if (sets) note_set(x_.set_portal->text);
  forward(piece, std::move(expected));
  if (sets) restore_startup();
  return Disposition::taken;
}

}  // namespace pgweir
