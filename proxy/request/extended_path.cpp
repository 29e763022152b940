#include "proxy/request/extended_path.hpp"

#include "protocol/frontend.hpp"
#include "protocol/sql_scan.hpp"
#include "proxy/exchange/analysis_context.hpp"
#include "proxy/exchange/server_stream.hpp"
#include "proxy/pool/pool_commons.hpp"
#include "proxy/request/listen_follower.hpp"
#include "proxy/request/own_names.hpp"
#include "proxy/request/sequence_guard.hpp"
#include "proxy/request/sql_names.hpp"
#include "proxy/request/startup_restorer.hpp"
#include "proxy/request/state_notes.hpp"
#include "proxy/request/statement_provider.hpp"
#include "proxy/state/schema_version.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {
namespace {

using Presence = BackendStatements::Presence;

// Only a name that was cut has to be remembered, or the one that the client has used when it stands for
// another statement.
std::shared_ptr<const std::string> spelled(std::string_view name, bool always) {
  return always || name.size() > identifier_max ? std::make_shared<const std::string>(name) : nullptr;
}

bool discards_all(const Statement& statement) {
  return statement.effects.verb == Verb::discard && parse_discard(statement.text) == DiscardTarget::all;
}

// Whether the client's text, such as EXECUTE p, names another statement, whose name was replaced in it.
bool names_another(const Statement* named, const StatementRef& sent) {
  return named != nullptr && names_statement(named->effects.verb, named->text) && sent->text != named->text;
}

std::int32_t growth_of_name(const Statement* named, const StatementRef& sent, const ClientSettings& client) {
  return names_another(named, sent) ? growth(named->text, sent->text, client) : 0;
}

// A client's own name that looks like one of pgweir's stands for no statement.
std::string_view name_on_server(std::string_view name, const StatementRef& statement) {
  if (statement) return statement->server_name;
  return name.starts_with(server_name_prefix) ? name.substr(1) : name;
}

}  // namespace

RequestDisposition ExtendedPath::take_parse(const Piece& piece) {
  ParseView parse;
  // The server says what is wrong with the message.
  if (parse_parse(piece.body(), parse) != Errc::ok)
    return ServerStream(x_).forward(piece, {.reply = Reply::parse});
  if (x_.listen && ListenFollower(x_).show_channels(parse.text) == Progress::hold)
    return RequestDisposition::hold;
  if (names_statement(leading_verb(parse.text), parse.text)) return take_naming_parse(piece, parse);
  if (!parse.name.empty()) return take_named_parse(parse.name, parse.text, parse.parameter_types);

  StatementRef statement = x_.statements.find({});
  const MapRef settings = settings_of_unnamed(x_);
  // What was learned of the old statement's shape need not hold for the new one.
  const bool same_as_before = statement && statement->server_name.empty() && statement->text == parse.text &&
                              as_text(statement->parameter_types) == as_text(parse.parameter_types) &&
                              statement->shape.get() == nullptr && statement->context == settings;
  if (!same_as_before) statement = make_unnamed(parse.text, parse.parameter_types, settings);
  if (OwnNames(x_).provide_for(statement->effects, statement->text) == Progress::hold)
    return RequestDisposition::hold;
  SequenceGuard(x_).guard_batch(*statement);
  x_.statements.begin_put({}, statement, x_.tracker.segment());
  x_.backend->statements.begin_unnamed(statement, x_.tracker.segment());
  x_.backend->statements.describe(statement, BackendStatements::Description::same);
  return ServerStream(x_).forward(piece, {.reply = Reply::parse,
                                          .changes = {Change::names, Change::backend_statements},
                                          .statement = std::move(statement)});
}

RequestDisposition ExtendedPath::take_named_parse(std::string_view name, std::string_view text,
                                                  ByteView types) {
  if (x_.statements.is_undecided(name, x_.tracker.segment())) return RequestDisposition::hold;
  if (x_.statements.find(name) && !x_.has_own_names()) return repeat_parse({name, text, types});
  if (x_.statements.full()) return RequestDisposition::too_many_names;
  NamedParse parse = begin_parse(name, text, types);
  if (OwnNames(x_).provide_for(parse.statement->effects, text) == Progress::hold)
    return RequestDisposition::hold;
  if (x_.has_own_names()) parse = begin_own_parse(parse);
  if (x_.may_have_prepared() && !x_.has_own_names()) probe_name(name, text, types);
  if (SqlNames(x_).resolve(parse.sent) == Progress::hold) return RequestDisposition::hold;
  const Presence presence = x_.backend->statements.find(parse.sent, x_.tracker.segment());
  if (presence == Presence::undecided) return RequestDisposition::hold;
  SequenceGuard(x_).guard_batch(*parse.sent);
  if (presence == Presence::present && is_unchanged_there(parse)) {
    answer_parse(parse);
  } else {
    send_parse(parse);
  }
  return RequestDisposition::taken;
}

// What is parsed beside code that nobody has judged is its client's own: perhaps it finds other tables than the
// settings tell that are believed to be in force. So is what is parsed while a change of the schema may be visible or not:
// what comes of it by the end of the transaction has another version.
ExtendedPath::NamedParse ExtendedPath::begin_parse(std::string_view name, std::string_view text,
                                                   ByteView types) const {
  StatementCache& statements = x_.commons->statements();
  const std::uint64_t schema_version = x_.commons->schema_version()->get();
  const AnalysisContext context = analysis_context(x_);
  const bool is_certain = context.is_certain && !x_.commons->schema_version()->is_in_doubt();
  NamedParse parse{.name = name, .is_certain = is_certain};
  if (is_certain || context.settings == nullptr) {
    parse.statement = statements.intern(text, types, context.settings, schema_version);
  } else {
    const std::shared_ptr<Statement> own = statements.make_own(text, types);
    parse.presumed = {own, context.settings, schema_version};
    parse.statement = own;
  }
  parse.sent = parse.statement;
  return parse;
}

// On a connection of the client's own names.
ExtendedPath::NamedParse ExtendedPath::begin_own_parse(const NamedParse& parse) const {
  const StatementRef own = x_.commons->statements().make_named(parse.statement, parse.name);
  return {.name = parse.name, .statement = own, .sent = own};
}

// Whether the statement that the backend has is what the server would make of the Parse now.
bool ExtendedPath::is_unchanged_there(const NamedParse& parse) const {
  // In a failed transaction a Parse is an error, and where that is possible the server has to say so.
  const bool may_fail =
      x_.tracker.status() == TransactionStatus::failed || (!x_.tracker.idle() && x_.tracker.awaits_ready());
  const BackendStatements& on_backend = x_.backend->statements;
  return !may_fail && parse.is_certain && !x_.commons->schema_version()->is_in_doubt() &&
         on_backend.description_of(parse.sent) == BackendStatements::Description::same &&
         on_backend.was_parsed_lately(parse.sent, x_.worker.now());
}

// The server is not asked: the backend has the statement.
void ExtendedPath::answer_parse(const NamedParse& parse) {
  x_.statements.begin_put(parse.name, parse.statement, x_.tracker.segment());
  x_.backend->statements.note_answered_parse(parse.sent, x_.worker.now());
  x_.expect(
      {.reply = Reply::parse, .fate = Fate::inject, .changes = {Change::names}, .statement = parse.sent});
}

void ExtendedPath::send_parse(const NamedParse& parse) {
  const StatementRef& sent = parse.sent;
  StatementProvider(x_).make_room_for(sent);
  write_parse(x_.worker.to_server().own(), sent->server_name, sent->text, parse.statement->parameter_types);
  x_.statements.begin_put(parse.name, parse.statement, x_.tracker.segment());
  BackendStatements& on_backend = x_.backend->statements;
  on_backend.begin_parse(sent, x_.tracker.segment());
  on_backend.note_client_parse(sent, parse.is_certain ? x_.worker.now() : TimePoint{});
  if (parse.presumed.settings != nullptr && x_.code.presumed.size() < CodeDoubts::presumed_max)
    x_.code.presumed.push_back(parse.presumed);
  ServerStream(x_).forward_rewritten({.reply = Reply::parse,
                                      .changes = {Change::names, Change::backend_statements},
                                      .statement = sent,
                                      .grown_by = growth_of_name(parse.statement.get(), sent, x_.client)});
  if (sent->has_client_name || names_statement(parse.statement->effects.verb, parse.statement->text)) {
    // It is described as what it names, which is looked up only when it is run.
    on_backend.describe(sent, BackendStatements::Description::same);
  } else {
    StatementProvider(x_).ask_shape(sent, Purpose::confirm_parse, parse.name);
  }
}

// A PREPARE may have taken the name unseen: then a Parse under it makes the server say so.
void ExtendedPath::probe_name(std::string_view name, std::string_view text, ByteView types) {
  write_parse(x_.worker.to_server().own(), name, text, types);
  write_close_statement(x_.worker.to_server().own(), name);
  x_.worker.to_server().end_own();
  for (const Reply reply : {Reply::parse, Reply::close}) {
    x_.expect({.reply = reply, .fate = Fate::drop});
  }
}

// The name is taken. A Parse under a name that exists makes the server say so (42P05), unless something is
// wrong with the text, which it says first. The name is used for this alone: under a name that clients use,
// the text could end up as their statement.
RequestDisposition ExtendedPath::repeat_parse(const ParseView& parse) {
  const StatementRef& taken = x_.commons->statements().taken_name();
  ByteBuffer& out = x_.worker.to_server().own();
  write_close_statement(out, taken->server_name);
  write_parse(out, taken->server_name, {}, no_parameter_types);
  write_parse(out, taken->server_name, parse.text, parse.parameter_types);
  for (const Reply reply : {Reply::close, Reply::parse}) x_.expect({.reply = reply, .fate = Fate::drop});
  return ServerStream(x_).forward_rewritten(
      {.reply = Reply::parse, .statement = taken, .spelled = spelled(parse.name, true)});
}

RequestDisposition ExtendedPath::take_bind(const Piece& piece) {
  BindView bind;
  if (parse_bind(piece.body(), bind) != Errc::ok)
    return ServerStream(x_).forward(piece, {.reply = Reply::bind});
  if (x_.statements.is_undecided(bind.statement, x_.tracker.segment())) return RequestDisposition::hold;
  const StatementMap::Held* known = &x_.statements.look_up(bind.statement);
  if (known->statement && OwnNames::may_matter(known->statement->effects)) {
    const ByteView values = piece.whole() ? bind.rest : ByteView{};
    if (provide_own_names(known->statement, values) == Progress::hold) return RequestDisposition::hold;
    known = &x_.statements.look_up(bind.statement);
  }
  const bool described = known->described;
  StatementRef statement = known->statement;
  const Statement* const named = statement.get();  // kept under the client's name
  if (named != nullptr && SequenceGuard(x_).guard(named->effects, named->text) == Progress::hold)
    return RequestDisposition::hold;
  if (SqlNames(x_).resolve(statement) == Progress::hold) return RequestDisposition::hold;
  if (x_.listen && statement && ListenFollower(x_).show_channels(statement->text) == Progress::hold)
    return RequestDisposition::hold;
  const StatementProvider::Provided provided =
      StatementProvider(x_).provide(bind.statement, statement, statement.get() == named, &bind);
  if (provided == StatementProvider::Provided::not_yet) return RequestDisposition::hold;
  if (x_.listen || (statement && statement->effects.facts.contains(SqlFact::listens)))
    ListenFollower(x_).follow_bind(bind.portal, statement);
  if (statement && statement->may_copy()) x_.portals.may_copy = true;
  StateNotes(x_).note_portal(bind.portal, statement, piece.whole() ? bind.rest : ByteView{});
  note_undescribed(bind, described);
  if (provided == StatementProvider::Provided::changed) return refuse_bind(piece, bind, statement);
  const bool is_renamed = names_another(named, statement);
  const std::int32_t grown_by = is_renamed ? growth(named->text, statement->text, x_.client) : 0;
  if (is_renamed) {
    StateNotes(x_).keep_bound(
        {std::string(bind.portal), statement, true, grown_by, SqlNames(x_).name_dropped_by(*named)});
  }
  const std::string_view server_name = name_on_server(bind.statement, statement);
  if (server_name == bind.statement) return ServerStream(x_).forward(piece, {.reply = Reply::bind});
  return send_bind(piece, bind, server_name,
                   {.reply = Reply::bind,
                    .statement = statement,
                    .grown_by = grown_by,
                    .name_hash = StatementMap::hash_of(bind.statement),
                    .spelled = spelled(bind.statement, is_renamed)});
}

// What the statement needs by the time when it is bound, or for the values that it gets.
Progress ExtendedPath::provide_own_names(const StatementRef& statement, ByteView values) {
  OwnNames own(x_);
  if (own.provide_for(statement->effects, statement->text) == Progress::hold) return Progress::hold;
  return own.provide_for_values(statement->effects, values);
}

// Sends the client's own message with the statement's name on the server.
RequestDisposition ExtendedPath::send_bind(const Piece& piece, const BindView& bind,
                                           std::string_view server_name, Expected&& expected) {
  const std::size_t head = message_length_size + bind.portal.size() + 1 + bind.statement.size() + 1;
  write_bind_head(x_.worker.to_server().own(), bind.portal, server_name,
                  piece.body_size + message_length_size - head);
  x_.worker.to_server().end_own();
  x_.worker.to_server().add_view(bind.rest);
  return ServerStream(x_).forward_rewritten(std::move(expected));
}

// The client would read the rows by an old description. A name that no statement has makes the server fail
// the message, with all that follows from that, and the client gets the error of a stale plan.
RequestDisposition ExtendedPath::refuse_bind(const Piece& piece, const BindView& bind,
                                             const StatementRef& statement) {
  return send_bind(piece, bind, x_.commons->statements().own_name(),
                   {.reply = Reply::bind,
                    .purpose = Purpose::meant_to_fail,
                    .statement = statement,
                    .name_hash = StatementMap::hash_of(bind.statement),
                    .spelled = std::make_shared<const std::string>(bind.statement)});
}

// A Describe of the portal tells the client about its statement.
void ExtendedPath::note_undescribed(const BindView& bind, bool described) {
  if (const auto name = x_.portals.note_bound(bind.portal, bind.statement, described))
    x_.statements.mark_described(*name);
}

// Returns the statement of a portal that was not described before.
StatementRef ExtendedPath::note_described(const TargetView& target) {
  if (target.kind == 'S') {
    x_.statements.mark_described(target.name);
    return nullptr;
  }
  const std::optional<std::string> name = x_.portals.note_described(target.name);
  if (!name) return nullptr;
  x_.statements.mark_described(*name);
  return x_.statements.find(*name);
}

// Of a statement of SQL's PREPARE whose portal the client has described. A question that fails would take the client's
// transaction with it.
bool ExtendedPath::may_ask_shape(const StatementRef& told) const {
  return told->by_sql && told->shape.get() == nullptr && is_in_its_context(x_, *told) &&
         x_.backend->statements.find(told, x_.tracker.segment()) == Presence::present;
}

RequestDisposition ExtendedPath::take_describe(const Piece& piece) {
  TargetView target;
  const bool understood = parse_target(piece.body(), target) == Errc::ok;
  if (!understood || target.kind != 'S') {
    const bool is_portal = target.kind != 'S';
    const StatementRef told = understood ? note_described(target) : nullptr;
    const RequestDisposition disposition = ServerStream(x_).forward(
        piece, {.reply = is_portal ? Reply::describe_portal : Reply::describe_statement});
    if (told && may_ask_shape(told)) StatementProvider(x_).ask_shape(told, Purpose::learn_shape);
    return disposition;
  }
  if (x_.statements.is_undecided(target.name, x_.tracker.segment())) return RequestDisposition::hold;
  StatementRef statement = x_.statements.find(target.name);
  const Statement* const named = statement.get();
  if (SqlNames(x_).resolve(statement) == Progress::hold) return RequestDisposition::hold;
  const StatementProvider::Provided provided =
      StatementProvider(x_).provide(target.name, statement, statement.get() == named);
  if (provided == StatementProvider::Provided::not_yet) return RequestDisposition::hold;
  note_described(target);
  const bool fails = provided == StatementProvider::Provided::changed;
  const std::string_view server_name =
      fails ? std::string_view(x_.commons->statements().own_name()) : name_on_server(target.name, statement);
  Expected expected{.reply = Reply::describe_statement,
                    .purpose = fails ? Purpose::meant_to_fail : Purpose::plain,
                    .statement = statement,
                    .grown_by = growth_of_name(named, statement, x_.client),
                    .name_hash = StatementMap::hash_of(target.name),
                    .spelled = fails ? std::make_shared<const std::string>(target.name) : nullptr};
  if (server_name == target.name) return ServerStream(x_).forward(piece, std::move(expected));
  write_describe_statement(x_.worker.to_server().own(), server_name);
  return ServerStream(x_).forward_rewritten(std::move(expected));
}

// The backend keeps a named statement for other clients. An unknown name may be one that SQL prepared.
RequestDisposition ExtendedPath::take_close(const Piece& piece) {
  TargetView target;
  const bool understood = parse_target(piece.body(), target) == Errc::ok;
  if (!understood || target.kind != 'S') {
    if (!x_.portals.empty()) StateNotes(x_).doubt_portals();
    // A cursor that outlives its transaction is a portal, too.
    if (x_.pins.contains(Pin::holdable_cursor)) x_.watch.may_have_ended.insert({Pin::holdable_cursor});
    return ServerStream(x_).forward(piece, {.reply = Reply::close});
  }
  if (target.name.empty()) {
    x_.statements.begin_erase({}, x_.tracker.segment());
    x_.backend->statements.begin_unnamed(nullptr, x_.tracker.segment());
    return ServerStream(x_).forward(
        piece, {.reply = Reply::close, .changes = {Change::names, Change::backend_statements}});
  }
  if (x_.statements.is_undecided(target.name, x_.tracker.segment())) return RequestDisposition::hold;
  const StatementRef statement = x_.statements.find(target.name);
  if (!statement && !target.name.starts_with(server_name_prefix))
    return ServerStream(x_).forward(piece, {.reply = Reply::close});
  if (statement && statement->has_client_name) return close_own(piece, target.name, statement);
  Expected expected{.reply = Reply::close, .fate = Fate::inject};
  if (statement) {
    x_.statements.begin_erase(target.name, x_.tracker.segment());
    expected.changes.insert(Change::names);
  }
  x_.expect(std::move(expected));
  return RequestDisposition::taken;
}

// No other client has it.
RequestDisposition ExtendedPath::close_own(const Piece& piece, std::string_view name,
                                           const StatementRef& statement) {
  x_.statements.begin_erase(name, x_.tracker.segment());
  x_.backend->statements.begin_close(statement, x_.tracker.segment());
  return ServerStream(x_).forward(piece, {.reply = Reply::close,
                                          .changes = {Change::names, Change::backend_statements},
                                          .statement = statement});
}

RequestDisposition ExtendedPath::take_execute(const Piece& piece) {
  Expected expected{.reply = Reply::execute, .may_copy = x_.portals.may_copy};
  if (x_.listen && ListenFollower(x_).follow_execute(piece, expected) == Progress::hold)
    return RequestDisposition::hold;
  ExecuteView execute;
  if (!x_.portals.is_unused() && parse_execute(piece.body(), execute) == Errc::ok)
    return run_noted(piece, execute, std::move(expected));
  return ServerStream(x_).forward(piece, std::move(expected));
}

// A portal may be one that does more than to return rows.
RequestDisposition ExtendedPath::run_noted(const Piece& piece, const ExecuteView& execute,
                                           Expected&& expected) {
  Portals::Run run = x_.portals.run(execute.portal, execute.row_limit == 0);
  const Portals::Bound& bound = run.bound;
  const StatementRef& statement = bound.statement;
  const bool is_as_bound = statement && !bound.is_renamed;  // a SET, RESET, DISCARD or DEALLOCATE
  const bool discards = statement && discards_all(*statement);
  x_.hand.step = std::move(run.step);
  // A SAVEPOINT, say, in front of which something has been set since its Bind.
  const bool escapes = x_.portals.may_be_unfollowed(execute.portal) && x_.journal.follows_control();
  if (escapes) x_.journal.doubt({});
  if (is_as_bound && statement->effects.sets()) StateNotes(x_).note_set(statement->text);
  if (is_as_bound && discards) x_.hand.step.push_back({.kind = SettingsItem::Kind::discard_all});
  // What the client's names stand for afterwards is known with the answer.
  if (discards || !bound.drops.empty() || (statement && statement->effects.verb == Verb::deallocate))
    x_.begin_naming(expected);
  if (!bound.drops.empty()) x_.naming->drops.push_back(bound.drops);
  expected.grown_by = bound.grown_by;
  if (!x_.hand.step.empty()) ServerStream(x_).attach_step(expected);
  ServerStream(x_).forward(piece, std::move(expected));
  if (!is_as_bound || !StartupRestorer(x_).loses_startup(statement->effects.verb, statement->text))
    return RequestDisposition::taken;
  x_.restore_due = !x_.hand.set;
  if (!x_.restore_due) StartupRestorer(x_).restore();
  return RequestDisposition::taken;
}

// A Parse of an EXECUTE or the like. Its description is that of the statement that it names.
RequestDisposition ExtendedPath::take_naming_parse(const Piece& piece, const ParseView& parse) {
  if (const std::optional<SqlNames::NamedUse> use = SqlNames(x_).find_named(parse.text))
    SqlNames(x_).tell_cut(parse.text, use->named);
  if (!parse.name.empty()) return take_named_parse(parse.name, parse.text, parse.parameter_types);
  const StatementRef statement = make_unnamed(parse.text, parse.parameter_types, settings_of_unnamed(x_));
  StatementRef sent = statement;
  if (SqlNames(x_).resolve(sent) == Progress::hold) return RequestDisposition::hold;
  SequenceGuard(x_).guard_batch(*sent);
  x_.statements.begin_put({}, statement, x_.tracker.segment());
  x_.backend->statements.begin_unnamed(sent, x_.tracker.segment());
  x_.backend->statements.describe(sent, BackendStatements::Description::same);
  Expected expected{
      .reply = Reply::parse, .changes = {Change::names, Change::backend_statements}, .statement = sent};
  if (sent == statement) return ServerStream(x_).forward(piece, std::move(expected));
  expected.grown_by = growth(parse.text, sent->text, x_.client);
  write_parse(x_.worker.to_server().own(), {}, sent->text, parse.parameter_types);
  return ServerStream(x_).forward_rewritten(std::move(expected));
}

}  // namespace pgweir
