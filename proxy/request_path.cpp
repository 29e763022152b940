#include "proxy/request_path.hpp"

#include <algorithm>
#include <array>

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

// Settings that decide what a text means when it is parsed: names are looked up, literals are read.
constexpr std::array<std::string_view, 15> parse_settings = {"array_nulls",
                                                             "backslash_quote",
                                                             "client_encoding",
                                                             "datestyle",
                                                             "default_text_search_config",
                                                             "intervalstyle",
                                                             "lc_monetary",
                                                             "role",
                                                             "search_path",
                                                             "session_authorization",
                                                             "standard_conforming_strings",
                                                             "timezone",
                                                             "timezone_abbreviations",
                                                             "transform_null_equals",
                                                             "xmloption"};

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

// pg_proc: lo_create, lo_open, lo_close, loread, lowrite, lo_lseek, lo_creat, lo_tell, lo_unlink,
// lo_truncate, lo_lseek64, lo_tell64, lo_truncate64. What they leave behind ends with the transaction.
constexpr std::array<std::uint32_t, 13> large_object_functions = {715, 952, 953,  954,  955,  956, 957,
                                                                  958, 964, 1004, 3170, 3171, 3172};

bool is_large_object_call(ByteView body) {
  if (body.size() < sizeof(std::uint32_t)) return false;
  const std::uint32_t oid = load_u32(body.data());
  return std::find(large_object_functions.begin(), large_object_functions.end(), oid) !=
         large_object_functions.end();
}

// Only a name that was cut has to be remembered, or one for which another statement was bound.
std::shared_ptr<const std::string> spelled(std::string_view name, bool always) {
  return always || name.size() > identifier_max ? std::make_shared<const std::string>(name) : nullptr;
}

}  // namespace

Disposition RequestPath::take(const Piece& piece) {
  if (!piece.first) return take_rest(piece);
  const auto type = static_cast<FrontendType>(piece.type);
  discarding_rest_ = false;
  if (type == FrontendType::Terminate) return owes_answers() ? Disposition::hold : Disposition::terminate;
  if (x_.tracker.fencing() || x_.tracker.needs_fence() || x_.naming) return Disposition::hold;
  if (is_copy_message(type)) return take_copy(piece);
  if (type == FrontendType::Flush) {
    if (x_.backend != nullptr) forward_bytes(piece);
    return Disposition::taken;
  }
  if (x_.restore_due && !restore_behind_discard(type)) return Disposition::hold;
  if (type == FrontendType::Sync) return take_sync(piece);
  if (x_.tracker.skipping()) {
    discarding_rest_ = true;
    if (x_.listen) x_.listen->forget_offer();
    return Disposition::taken;
  }
  if (x_.tracker.copy_in()) return Disposition::copy_violation;
  if (x_.tracker.copy_possible() || x_.tracker.outstanding() >= outstanding_max) return Disposition::hold;
  if (x_.backend == nullptr) return Disposition::needs_backend;
  if (x_.listen && x_.tracker.settled()) x_.listen->begin();
  if (x_.backend->statements.is_over() && x_.tracker.may_insert_group()) trim(0);
  switch (type) {
    case FrontendType::Query:
      return x_.tracker.outstanding() < queries_max ? take_query(piece) : Disposition::hold;
    case FrontendType::Parse:
      return counted(take_parse(piece), &PoolCounters::client_parses);
    case FrontendType::Bind:
      return counted(take_bind(piece), &PoolCounters::binds);
    case FrontendType::Describe:
      return take_describe(piece);
    case FrontendType::Close:
      return take_close(piece);
    case FrontendType::Execute:
      return take_execute(piece);
    default:
      return take_function_call(piece);
  }
}

Disposition RequestPath::counted(Disposition disposition, Counter PoolCounters::*counter) {
  if (disposition == Disposition::taken) (x_.pool->counters(x_.worker).*counter).add();
  return disposition;
}

// The server works off what came before a Terminate; behind the last Sync that is rolled back. Within the
// data of a COPY IN it is a violation.
bool RequestPath::owes_answers() const {
  return x_.backend != nullptr && !x_.tracker.copy_in() && x_.tracker.awaits_ready() &&
         x_.tracker.outstanding() > x_.own.size();
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

// A client that works on large objects calls one function after the other; any other may do anything.
Disposition RequestPath::take_function_call(const Piece& piece) {
  if (!is_large_object_call(piece.body())) {
    const SqlEffects anything = effects_of_anything();
    if (!guard_sequences(anything, {})) return Disposition::hold;
    note(anything, {}, false);
    // The arguments are laid out like those of a Bind.
    BindValues arguments(piece.body().subspan(std::min(piece.body().size(), sizeof(std::uint32_t))));
    for (std::string_view value; arguments.next(value);) remember_bound_name(x_.custom_names, value);
  }
  ++x_.watch.statements;
  if (x_.listen) x_.listen->note_may_notify();
  return forward(piece, {.reply = Reply::function_call});
}

// --- Simple query

Disposition RequestPath::take_query(const Piece& piece) {
  QueryView query;
  const bool understood = piece.whole() && parse_query(piece.body(), query) == Errc::ok;
  // What nobody can read may do anything.
  const SqlEffects effects =
      understood && !x_.is_opaque(query.text) ? effects_of(query.text) : effects_of_anything();
  if (!guard_sequences(effects, query.text)) return Disposition::hold;
  Expected expected{.reply = Reply::query};
  expected.may_copy = effects.verbs.intersects({Verb::copy, Verb::undecided});
  const bool may_listen = x_.listen || effects.facts.contains(SqlFact::listens);
  if (may_listen &&
      !follow_query(understood ? query.text : std::string_view{}, understood, effects, expected))
    return Disposition::hold;
  if (understood && may_name_statement(query.text, effects)) {
    const std::optional<Disposition> renamed = rewrite_named_query(query.text, expected);
    if (renamed) {
      if (*renamed == Disposition::taken) note(effects, query.text, false);
      if (*renamed == Disposition::taken && !effects.single) note_prepare(effects, query.text);
      return *renamed;
    }
    // It may run what the client prepared by SQL under a name that nobody else knows.
    if (effects.verbs.contains(Verb::execute) && x_.pins.contains(Pin::sql_prepare))
      note(effects_of_anything(), query.text, false);
  }
  note(effects, query.text, false);
  note_prepare(effects, query.text);
  begin_query(expected);
  const bool resets = effects.single && loses_startup(query.text);
  const bool all = !x_.watch.set || x_.watch.set->action == SetAction::reset_all;
  if (resets) expected.resets = all ? resets_all : StatementMap::hash_of(x_.watch.set->name);
  forward(piece, std::move(expected));
  if (resets) restore_startup();
  return Disposition::taken;
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

// --- Extended query

Disposition RequestPath::take_parse(const Piece& piece) {
  ParseView parse;
  // The server says what is wrong with it.
  if (parse_parse(piece.body(), parse) != Errc::ok) return forward(piece, {.reply = Reply::parse});
  if (x_.listen && !show_channels(parse.text)) return Disposition::hold;
  if (names_statement(leading_verb(parse.text), parse.text)) return take_naming_parse(piece, parse);
  if (!parse.name.empty()) return take_named_parse(parse.name, parse.text, parse.parameter_types);

  StatementRef statement = x_.statements.find({});
  const bool same_as_before = statement && statement->server_name.empty() && statement->text == parse.text &&
                              as_text(statement->parameter_types) == as_text(parse.parameter_types);
  if (!same_as_before) statement = make_unnamed(parse.text, parse.parameter_types);
  guard_batch(*statement);
  x_.statements.begin_put({}, statement);
  x_.backend->statements.begin_unnamed(statement, x_.tracker.segment());
  return forward(piece,
                 {.reply = Reply::parse, .names = true, .holds = true, .statement = std::move(statement)});
}

Disposition RequestPath::take_named_parse(std::string_view name, std::string_view text, ByteView types) {
  if (const StatementRef known = x_.statements.find(name)) return repeat_parse({name, text, types}, known);
  if (x_.statements.full()) return Disposition::too_many_names;
  if (x_.may_have_prepared()) probe_name(name, text, types);
  StatementRef statement = intern(text, types);
  StatementRef sent = statement;
  if (!resolve(sent)) return Disposition::hold;
  const Presence presence = x_.backend->statements.find(sent, x_.tracker.segment());
  if (presence == Presence::undecided) return Disposition::hold;
  guard_batch(*sent);
  // In a failed transaction a Parse is an error. Where that is possible the server has to say so: by a real
  // Parse, under another name if it has this one.
  const bool may_fail =
      x_.tracker.status() == TransactionStatus::failed || (!x_.tracker.idle() && x_.tracker.awaits_ready());
  if (presence == Presence::present && !may_fail) {
    x_.statements.begin_put(name, statement);
    x_.tracker.expect({.reply = Reply::parse, .fate = Fate::inject, .names = true, .statement = sent}, sink_);
    return Disposition::taken;
  }
  if (presence == Presence::present) {
    const bool is_itself = sent == statement;
    sent = x_.pool->statements().copy(sent);
    if (is_itself) statement = sent;
  }
  evict();
  write_parse(x_.worker.to_server().own(), sent->server_name, sent->text, types);
  x_.worker.to_server().end_own();
  x_.forwarded = true;
  x_.statements.begin_put(name, statement);
  x_.backend->statements.begin_parse(sent, x_.tracker.segment());
  x_.tracker.expect({.reply = Reply::parse, .names = true, .holds = true, .statement = sent}, sink_);
  return Disposition::taken;
}

StatementRef RequestPath::intern(std::string_view text, ByteView types) {
  return x_.pool->statements().intern(text, types, parse_scope(*x_.desired));
}

// PREPARE may have taken the name without our knowing: then a Parse under it makes the server say so.
void RequestPath::probe_name(std::string_view name, std::string_view text, ByteView types) {
  write_parse(x_.worker.to_server().own(), name, text, types);
  write_close_statement(x_.worker.to_server().own(), name);
  x_.worker.to_server().end_own();
  for (const Reply reply : {Reply::parse, Reply::close}) {
    x_.tracker.expect({.reply = reply, .fate = Fate::drop}, sink_);
  }
}

// The name is taken: a Parse under the name of a statement that exists already makes the server say so
// (42P05), or whatever else is wrong with the text first.
Disposition RequestPath::repeat_parse(const ParseView& parse, const StatementRef& known) {
  if (!provide_named(known)) return Disposition::hold;
  write_parse(x_.worker.to_server().own(), known->server_name, parse.text, parse.parameter_types);
  x_.worker.to_server().end_own();
  x_.forwarded = true;
  x_.tracker.expect({.reply = Reply::parse,
                     .statement = known,
                     .name_hash = StatementMap::hash_of(parse.name),
                     .spelled = spelled(parse.name, false)},
                    sink_);
  return Disposition::taken;
}

Disposition RequestPath::take_bind(const Piece& piece) {
  BindView bind;
  if (parse_bind(piece.body(), bind) != Errc::ok) return forward(piece, {.reply = Reply::bind});
  StatementRef statement = x_.statements.find(bind.statement);
  const Statement* const named = statement.get();  // kept by the client's name
  if (named != nullptr && !guard_sequences(named->effects, named->text)) return Disposition::hold;
  if (!resolve(statement)) return Disposition::hold;
  if (x_.listen && statement && !show_channels(statement->text)) return Disposition::hold;
  if (!provide(bind.statement, statement)) return Disposition::hold;
  if (x_.listen || (statement && statement->effects.facts.contains(SqlFact::listens)))
    follow_bind(bind.portal, statement);
  if (statement && statement->may_copy()) x_.copy_portal = true;
  note_portal(bind.portal, statement, piece.whole() ? bind.rest : ByteView{});
  const bool is_renamed = statement.get() != named;
  const std::int32_t longer = is_renamed ? growth(named->text, statement->text) : 0;
  if (is_renamed) {
    note_deallocate(*named);
    keep_bound(bind.portal, statement, longer);
  }
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
  x_.tracker.expect({.reply = Reply::bind,
                     .statement = statement,
                     .longer = longer,
                     .name_hash = StatementMap::hash_of(bind.statement),
                     .spelled = spelled(bind.statement, is_renamed)},
                    sink_);
  return Disposition::taken;
}

Disposition RequestPath::take_describe(const Piece& piece) {
  TargetView target;
  const bool understood = parse_target(piece.body(), target) == Errc::ok;
  if (!understood || target.kind != 'S') {
    return forward(piece, {.reply = target.kind == 'S' ? Reply::describe_statement : Reply::describe_portal});
  }
  StatementRef statement = x_.statements.find(target.name);
  if (!resolve(statement) || !provide(target.name, statement)) return Disposition::hold;
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

Disposition RequestPath::take_execute(const Piece& piece) {
  Expected expected{.reply = Reply::execute, .may_copy = x_.copy_portal};
  if (x_.listen && !follow_execute(piece, expected)) return Disposition::hold;
  ++x_.watch.statements;
  x_.watch.set.reset();
  ExecuteView execute;
  const bool is_bound =
      x_.bound && parse_execute(piece.body(), execute) == Errc::ok && execute.portal == x_.bound_portal;
  const bool is_renamed = is_bound && x_.bound_longer != 0;
  const bool sets = is_bound && !is_renamed;
  if (sets) note_set(x_.bound->text);
  if (is_renamed) expected.longer = x_.bound_longer;
  forward(piece, std::move(expected));
  if (!sets || !loses_startup(x_.bound->text)) return Disposition::taken;
  x_.restore_due = !x_.watch.set;
  if (!x_.restore_due) restore_startup();
  return Disposition::taken;
}

}  // namespace pgweir
