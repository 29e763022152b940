// The extended query protocol: statements under the client's names, on a backend that knows them by ours.
#include <algorithm>
#include <array>

#include "protocol/frontend.hpp"
#include "protocol/sql_scan.hpp"
#include "proxy/custom_names.hpp"
#include "proxy/pool.hpp"
#include "proxy/request_path.hpp"
#include "proxy/worker.hpp"

namespace pgweir {
namespace {

using Disposition = RequestPath::Disposition;
using Presence = BackendStatements::Presence;

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

// Only a name that was cut has to be remembered, or one for which another statement was bound.
std::shared_ptr<const std::string> spelled(std::string_view name, bool always) {
  return always || name.size() > identifier_max ? std::make_shared<const std::string>(name) : nullptr;
}

// A name of the client's own that looks like one of ours stands for nothing.
std::string_view name_on_server(std::string_view name, const StatementRef& statement) {
  if (statement) return statement->server_name;
  return name.starts_with(server_name_prefix) ? name.substr(1) : name;
}

}  // namespace

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
  const std::string_view server_name = name_on_server(bind.statement, statement);
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
  const std::string_view server_name = name_on_server(target.name, statement);
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
  if (!sets || !loses_startup(x_.bound->effects.verb, x_.bound->text)) return Disposition::taken;
  x_.restore_due = !x_.watch.set;
  if (!x_.restore_due) restore_startup();
  return Disposition::taken;
}

}  // namespace pgweir
