#include "proxy/request_path.hpp"

#include "protocol/frontend.hpp"
#include "protocol/sql_named.hpp"
#include "protocol/sql_scan.hpp"
#include "proxy/pool.hpp"
#include "proxy/unseen_settings.hpp"
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

bool is_copy_message(FrontendType t) {
  return t == FrontendType::CopyData || t == FrontendType::CopyDone || t == FrontendType::CopyFail;
}

// Only a name that was cut has to be remembered.
std::shared_ptr<const std::string> spelled(std::string_view name) {
  return name.size() > identifier_max ? std::make_shared<const std::string>(name) : nullptr;
}

// A prepared statement may be parsed in a failed transaction if it ends that transaction.
bool ends_transaction(Verb v) {
  return v == Verb::commit || v == Verb::rollback || v == Verb::abort || v == Verb::end || v == Verb::prepare;
}

}  // namespace

Disposition RequestPath::take(const Piece& piece) {
  if (!piece.first) return take_rest(piece);
  const auto type = static_cast<FrontendType>(piece.type);
  discarding_rest_ = false;
  if (type == FrontendType::Terminate) return Disposition::terminate;
  if (x_.tracker.fencing() || x_.tracker.needs_fence()) return Disposition::hold;
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
  ++x_.watch.statements;
  x_.watch.set.reset();
  Expected expected{.reply = Reply::query};
  x_.mixed_protocols |= x_.tracker.unsynced();
  // A Query drops the unnamed statement, whatever becomes of it (exec_simple_query).
  expected.holds = true;
  x_.backend->statements.begin_unnamed(nullptr, x_.tracker.segment());
  if (x_.statements.find({}) != nullptr) {
    x_.statements.begin_erase({});
    expected.names = true;
  }
  QueryView query;
  if (!piece.whole()) {
    // Nobody has read it yet, and nobody will: assume the worst.
    expected.may_copy = x_.watch.unseen = x_.watch.unknown_names = true;
  } else if (parse_query(piece.body(), query) == Errc::ok) {
    const bool single = is_single_statement(query.text);
    const VerbSet verbs = single ? VerbSet{leading_verb(query.text)} : verbs_of(query.text);
    expected.may_copy = verbs.intersects({Verb::copy, Verb::undecided});
    if (single && verbs.intersects({Verb::set, Verb::reset})) note_set(query.text);
    if (may_set_unseen(query.text, verbs)) note_unseen(query.text, verbs);
    if (single &&
        verbs.intersects({Verb::prepare, Verb::execute, Verb::deallocate, Verb::explain, Verb::create})) {
      if (rewrite_named_query(query.text, expected)) return Disposition::taken;
    }
  }
  return forward(piece, std::move(expected));
}

void RequestPath::note_unseen(std::string_view text, VerbSet verbs) {
  x_.watch.unseen = true;
  if (!find_custom_names(text, verbs, x_.custom_names)) x_.watch.unknown_names = true;
}

void RequestPath::note_set(std::string_view text) {
  std::optional<SetStatement> set = parse_set(text);
  if (!set) return;
  if (set->scope != SetScope::session) ++x_.watch.local_sets;
  if (set->scope == SetScope::session && set->name.find('.') != std::string::npos)
    x_.custom_names.push_back(set->name);
  x_.watch.set = std::move(set);
}

// SQL that names a statement which the client prepared by a Parse: EXECUTE, DEALLOCATE, EXPLAIN EXECUTE, or a
// PREPARE that takes its name again. The server knows it under our name. Empty: nothing to rename.
std::string RequestPath::rename_statement(std::string_view text, StatementRef& statement) {
  std::optional<NamedStatement> named = executes_named(text).statement;
  if (!named) named = parse_named(text);
  if (!named || named->verb == NamedVerb::deallocate_all) return {};
  statement = x_.statements.find(named->name);
  if (!statement || statement->server_name.empty()) return {};
  if (named->verb == NamedVerb::deallocate) x_.deallocates = named->name;
  std::string renamed(text.substr(0, named->name_offset));
  renamed += '"' + statement->server_name + '"';
  return renamed += text.substr(named->name_offset + named->name_size);
}

bool RequestPath::rewrite_named_query(std::string_view text, Expected expected) {
  StatementRef statement;
  const std::string renamed = rename_statement(text, statement);
  if (renamed.empty()) return false;
  const bool absent = x_.backend->statements.find(statement, x_.tracker.segment()) == Presence::absent;
  if (absent && x_.tracker.may_insert_group()) {
    ByteBuffer& out = x_.worker.to_server().own();
    write_parse(out, statement->server_name, statement->text, statement->parameter_types);
    write_sync(out);
    x_.worker.to_server().end_own();
    x_.backend->statements.begin_parse(statement, x_.tracker.segment());
    x_.tracker.expect({.reply = Reply::parse, .fate = Fate::mute, .holds = true, .statement = statement},
                      sink_);
    x_.tracker.expect({.reply = Reply::sync, .fate = Fate::mute}, sink_);
  }
  write_query(x_.worker.to_server().own(), renamed);
  x_.worker.to_server().end_own();
  x_.forwarded = true;
  expected.statement = statement;
  x_.tracker.expect(std::move(expected), sink_);
  return true;
}

// --- Extended query

Disposition RequestPath::take_parse(const Piece& piece) {
  ParseView parse;
  // The server says what is wrong with it.
  if (parse_parse(piece.body(), parse) != Errc::ok) return forward(piece, {.reply = Reply::parse});
  const Verb verb = leading_verb(parse.text);
  if (verb == Verb::execute || verb == Verb::deallocate) return take_naming_parse(piece, parse);
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
  if (const StatementRef known = x_.statements.find(name)) return repeat_parse(name, known);
  if (x_.statements.full()) return Disposition::too_many_names;
  const auto path = x_.desired->find("search_path");
  const std::string_view scope = path == x_.desired->end() ? std::string_view{} : path->second;
  const StatementRef statement = x_.pool->statements().intern(text, types, scope);
  const Presence presence = x_.backend->statements.find(statement, x_.tracker.segment());
  if (presence == Presence::undecided) return Disposition::hold;
  // In a failed transaction a Parse is an error; let the server say so.
  const bool failed =
      x_.tracker.status() == TransactionStatus::failed && !ends_transaction(leading_verb(text));
  if (presence == Presence::present && !failed) {
    x_.statements.begin_put(name, statement);
    x_.tracker.expect({.reply = Reply::parse, .fate = Fate::inject, .names = true, .statement = statement},
                      sink_);
    return Disposition::taken;
  }
  if (presence == Presence::present) return repeat_parse(name, statement);
  evict();
  write_parse(x_.worker.to_server().own(), statement->server_name, text, types);
  x_.worker.to_server().end_own();
  x_.forwarded = true;
  x_.statements.begin_put(name, statement);
  x_.backend->statements.begin_parse(statement, x_.tracker.segment());
  x_.tracker.expect({.reply = Reply::parse, .names = true, .holds = true, .statement = statement}, sink_);
  return Disposition::taken;
}

// The name is taken (42P05), or the transaction has failed (25P02): a Parse of a statement that exists
// already makes the server say the right thing.
Disposition RequestPath::repeat_parse(std::string_view name, const StatementRef& known) {
  if (!provide_named(known)) return Disposition::hold;
  write_parse(x_.worker.to_server().own(), known->server_name, known->text, known->parameter_types);
  x_.worker.to_server().end_own();
  x_.forwarded = true;
  x_.tracker.expect({.reply = Reply::parse, .statement = known, .spelled = spelled(name)}, sink_);
  return Disposition::taken;
}

// At the limit, the least recently used statement makes room.
void RequestPath::evict() {
  const StatementRef victim = x_.backend->statements.to_evict();
  if (!victim) return;
  write_close_statement(x_.worker.to_server().own(), victim->server_name);
  x_.worker.to_server().end_own();
  x_.backend->statements.begin_close(victim, x_.tracker.segment());
  x_.tracker.expect({.reply = Reply::close, .fate = Fate::drop, .holds = true, .statement = victim}, sink_);
}

bool RequestPath::provide_named(const StatementRef& statement) {
  const Presence presence = x_.backend->statements.find(statement, x_.tracker.segment());
  if (presence == Presence::undecided) return false;
  if (presence == Presence::present) return true;
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
  if (!provide(bind.statement, statement)) return Disposition::hold;
  if (statement && statement->may_copy) x_.copy_portal = true;
  x_.set_portal = statement && (statement->sets || statement->may_set) ? statement : nullptr;
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

Disposition RequestPath::take_execute(const Piece& piece) {
  ++x_.watch.statements;
  x_.watch.set.reset();
  if (x_.set_portal) {
    if (x_.set_portal->sets) note_set(x_.set_portal->text);
    if (x_.set_portal->may_set) note_unseen(x_.set_portal->text, {leading_verb(x_.set_portal->text)});
  }
  return forward(piece, {.reply = Reply::execute, .may_copy = x_.copy_portal});
}

}  // namespace pgweir
