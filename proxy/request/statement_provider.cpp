#include "proxy/request/statement_provider.hpp"

#include "protocol/frontend.hpp"
#include "proxy/exchange/analysis_context.hpp"
#include "proxy/exchange/server_stream.hpp"
#include "proxy/pool/pool_commons.hpp"
#include "proxy/state/schema_version.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {
namespace {

using Presence = BackendStatements::Presence;
using Description = BackendStatements::Description;

bool relies_on_columns(ByteView rest) {
  return asks_for_binary(rest) || counts_columns(rest);
}

}  // namespace

// Asks after a Parse for the statement's description, which tells whether it has changed.
void StatementProvider::ask_shape(const StatementRef& statement, Purpose purpose, std::string_view name) {
  write_describe_statement(x_.worker.to_server().own(), statement->server_name);
  x_.worker.to_server().end_own();
  x_.backend->statements.describe(statement, BackendStatements::Description::asked);
  x_.expect({.reply = Reply::describe_statement,
             .fate = Fate::drop,
             .purpose = purpose,
             .statement = statement,
             .spelled = name.empty() ? nullptr : std::make_shared<const std::string>(name)});
}

StatementProvider::Provided StatementProvider::provide(std::string_view name, StatementRef& statement,
                                                       bool is_direct, const BindView* bind) {
  if (name.empty()) return provide_unnamed(statement);
  if (!statement) return Provided::yes;
  if (statement->has_client_name) return provide_own(name, statement);
  // The server's description holds only for the settings and parameter types that were in force then.
  BackendStatements& on_backend = x_.backend->statements;
  if (!settings_change_ && is_planned_alike(x_, *statement) &&
      on_backend.use_as_told(statement, x_.tracker.segment(), x_.session_id)) {
    x_.checked_again = nullptr;
    return Provided::yes;
  }
  const bool fails_anyway = x_.tracker.status() == TransactionStatus::failed;
  if (on_backend.description_of(statement) == Description::changed && x_.checked_again != statement.get() &&
      !fails_anyway) {
    on_backend.doubt(statement);
    x_.checked_again = statement.get();
  }
  if (provide_named(statement) == Progress::hold) return Provided::not_yet;
  return is_direct ? check_shape(name, statement, bind) : Provided::yes;
}

// On a connection of its client's own names. The client would read the rows by what it was told.
StatementProvider::Provided StatementProvider::provide_own(std::string_view name,
                                                           const StatementRef& statement) {
  if (provide_named(statement) == Progress::hold) return Provided::not_yet;
  const Description description = x_.backend->statements.description_of(statement);
  if (description == Description::asked) return Provided::not_yet;
  const bool fails = description == Description::changed && x_.statements.is_described(name) &&
                     x_.tracker.status() != TransactionStatus::failed;
  return fails ? Provided::changed : Provided::yes;
}

// Whether the statement on this backend is what its clients were told.
StatementProvider::Provided StatementProvider::check_shape(std::string_view name, StatementRef& statement,
                                                           const BindView* bind) {
  const Description description = x_.backend->statements.description_of(statement);
  if (description == Description::same || description == Description::changed) x_.checked_again = nullptr;
  if (description == Description::same) return Provided::yes;
  const bool described =
      x_.statements.is_described(name) || (bind != nullptr && relies_on_columns(bind->rest));
  if (description != Description::changed) {
    // Unread code may have changed what the names in it stand for.
    const bool is_unread = x_.code.has_calls() || x_.watch.marks.contains(Mark::unseen);
    const bool compares = (described || is_unread) && statement->shape.get() != nullptr;
    if (!compares || x_.backend->statements.is_client_parse(statement)) return Provided::yes;
    if (description == Description::unknown) ask_shape(statement, Purpose::learn_shape);
    return Provided::not_yet;
  }
  // In a failed transaction the server has to say that first.
  if (x_.tracker.status() == TransactionStatus::failed) return Provided::yes;
  const bool by_ddl = is_in_its_context(x_, *statement) && analysis_context(x_).is_certain;
  if (described || !by_ddl) return Provided::changed;
  statement = x_.commons->statements().renew_for_holder(statement, x_.commons->schema_version()->get());
  x_.statements.put(name, statement);
  return provide_named(statement) == Progress::done ? Provided::yes : Provided::not_yet;
}

// Parameter types that the server has inferred once stay the statement's types, whatever has become of its
// tables (plancache.c).
ByteView StatementProvider::known_types(const Statement& statement) const {
  const StatementShape* const shape = statement.shape.get();
  return shape != nullptr ? shape->parameter_types : statement.parameter_types;
}

// As BackendStatements::find(), but a statement counts as missing where the server may have analysed or planned it under
// other settings than this client's, or before a client has parsed it elsewhere: it is parsed again.
BackendStatements::Presence StatementProvider::find(const StatementRef& statement) {
  BackendStatements& on_backend = x_.backend->statements;
  // In a failed transaction nothing is used.
  const bool may_be_used = x_.tracker.status() != TransactionStatus::failed && !statement->has_client_name;
  if (may_be_used && (!on_backend.fits(statement, use_of(*statement)) || on_backend.is_outdated(statement)))
    on_backend.doubt(statement);
  return on_backend.find(statement, x_.tracker.segment());
}

BackendStatements::Use StatementProvider::use_of(const Statement& statement) const {
  using Under = BackendStatements::Use::Under;
  if (settings_change_) return {x_.session_id, Under::others, nullptr};
  if (is_planned_alike(x_, statement)) return {x_.session_id, Under::home, nullptr};
  if (is_only_read_otherwise(x_, statement)) return {x_.session_id, Under::reading, nullptr};
  return {x_.session_id, Under::others, plan_settings(x_)};
}

void StatementProvider::note_use(const StatementRef& statement) {
  x_.backend->statements.note_use(statement, use_of(*statement));
}

// Notes whether a Parse of pgweir's finds what each client's would.
void StatementProvider::note_parse(const StatementRef& statement) {
  const AnalysisContext now = analysis_context(x_);
  const bool is_meant = now.is_certain && now.settings != nullptr && statement->context == now.settings;
  const bool has_its_types = as_text(known_types(*statement)) == as_text(statement->parameter_types);
  x_.backend->statements.note_parse(statement, is_meant && has_its_types ? x_.worker.now() : TimePoint{},
                                    is_meant || is_read_alike(x_, *statement));
  note_use(statement);
}

// Before a statement's Parse, its own older version is closed, or the least recently used statements are.
void StatementProvider::make_room_for(const StatementRef& statement) {
  BackendStatements& on_backend = x_.backend->statements;
  const bool may_exist = on_backend.find(statement, x_.tracker.segment()) == Presence::present;
  if (!may_exist && !on_backend.is_doubtful(statement)) return evict();
  write_close_statement(x_.worker.to_server().own(), statement->server_name);
  x_.worker.to_server().end_own();
  on_backend.begin_close(statement, x_.tracker.segment());
  x_.expect({.reply = Reply::close,
             .fate = Fate::drop,
             .changes = {Change::backend_statements},
             .statement = statement});
}

Progress StatementProvider::provide_named(const StatementRef& statement) {
  const Presence presence = find(statement);
  if (presence == Presence::undecided) return Progress::hold;
  if (presence == Presence::present) {
    note_use(statement);
    return Progress::done;
  }
  if (statement->by_sql) return provide_by_sql(statement);
  make_room_for(statement);
  write_parse(x_.worker.to_server().own(), statement->server_name, statement->text, known_types(*statement));
  x_.worker.to_server().end_own();
  x_.commons->counters(x_.worker).statements_injected.add();
  x_.backend->statements.begin_parse(statement, x_.tracker.segment());
  note_parse(statement);
  x_.expect({.reply = Reply::parse,
             .fate = Fate::drop,
             .changes = {Change::backend_statements},
             .statement = statement});
  if (!statement->has_client_name) ask_shape(statement, Purpose::learn_shape);
  return Progress::done;
}

// What may be left of a statement goes before it is made again by SQL: a name that is taken is an error.
Progress StatementProvider::close_doubtful(const StatementRef& statement) {
  const bool is_in_batch = x_.tracker.unsynced();
  if (!is_in_batch && !x_.tracker.may_insert_group()) return Progress::hold;
  write_close_statement(x_.worker.to_server().own(), statement->server_name);
  x_.worker.to_server().end_own();
  x_.backend->statements.begin_close(statement, x_.tracker.segment());
  x_.expect({.reply = Reply::close,
             .fate = is_in_batch ? Fate::drop : Fate::mute,
             .changes = {Change::backend_statements},
             .statement = statement});
  if (!is_in_batch) ServerStream(x_).send_own_sync();
  return Progress::done;
}

// In a failed transaction it is why that has failed, which the client has not been told yet.
void StatementProvider::forget_refused() {
  if (x_.tracker.status() != TransactionStatus::failed) x_.own.refused.reset();
}

Progress StatementProvider::provide_by_sql(const StatementRef& statement) {
  if (x_.backend->statements.is_doubtful(statement) && close_doubtful(statement) == Progress::hold)
    return Progress::hold;
  const std::string sql = text_of_prepare(*statement);
  forget_refused();
  if (ServerStream(x_).insert_statement(sql, statement) == Progress::hold) return Progress::hold;
  x_.commons->counters(x_.worker).statements_injected.add();
  return Progress::done;
}

// The backend's unnamed statement may be another client's, which must never run for this one.
StatementProvider::Provided StatementProvider::provide_unnamed(const StatementRef& statement) {
  BackendStatements& on_backend = x_.backend->statements;
  const bool described = statement && statement->shape.get() != nullptr && x_.statements.is_described({});
  const Presence presence = on_backend.find_unnamed(statement, x_.tracker.segment());
  if (presence == Presence::undecided) return Provided::not_yet;
  if (presence == Presence::present) {
    if (!described || on_backend.unnamed_description() == Description::same) return Provided::yes;
    if (on_backend.unnamed_description() == Description::changed) return Provided::changed;
    if (on_backend.unnamed_description() == Description::unknown) ask_shape(statement, Purpose::learn_shape);
    return Provided::not_yet;
  }
  ByteBuffer& out = x_.worker.to_server().own();
  if (statement) {
    write_parse(out, {}, statement->text, known_types(*statement));
  } else {
    write_close_statement(out, {});
  }
  x_.worker.to_server().end_own();
  x_.backend->statements.begin_unnamed(statement, x_.tracker.segment());
  const Reply reply = statement ? Reply::parse : Reply::close;
  x_.expect(
      {.reply = reply, .fate = Fate::drop, .changes = {Change::backend_statements}, .statement = statement});
  if (!described) return Provided::yes;
  ask_shape(statement, Purpose::learn_shape);
  return Provided::not_yet;
}

// Called before a Query, whose answer an error of pgweir's must not swallow.
Progress StatementProvider::provide_for_query(const StatementRef& statement) {
  ResponseTracker& tracker = x_.tracker;
  const Presence presence = find(statement);
  if (presence == Presence::present) {
    note_use(statement);
    return Progress::done;
  }
  if (tracker.unsynced() || statement->by_sql) return provide_named(statement);
  forget_refused();
  if (presence == Presence::undecided || !tracker.may_insert_group()) return Progress::hold;
  ByteBuffer& out = x_.worker.to_server().own();
  const bool doubtful = x_.backend->statements.is_doubtful(statement);
  if (doubtful) write_close_statement(out, statement->server_name);
  write_parse(out, statement->server_name, statement->text, known_types(*statement));
  write_describe_statement(out, statement->server_name);
  x_.worker.to_server().end_own();
  x_.commons->counters(x_.worker).statements_injected.add();
  if (doubtful) {
    x_.backend->statements.begin_close(statement, tracker.segment());
    x_.expect({.reply = Reply::close,
               .fate = Fate::mute,
               .changes = {Change::backend_statements},
               .statement = statement});
  }
  x_.backend->statements.begin_parse(statement, tracker.segment());
  note_parse(statement);
  x_.expect({.reply = Reply::parse,
             .fate = Fate::mute,
             .changes = {Change::backend_statements},
             .statement = statement});
  x_.backend->statements.describe(statement, Description::asked);
  x_.expect({.reply = Reply::describe_statement,
             .fate = Fate::mute,
             .purpose = Purpose::learn_shape,
             .statement = statement});
  ServerStream(x_).send_own_sync();
  return Progress::done;
}

// At the limit, the least recently used statements make room for another one.
void StatementProvider::evict() {
  close_surplus(1, Fate::drop);
}

// Called between two batches, before the next one: the messages are a group of pgweir's own.
void StatementProvider::trim(std::size_t room) {
  if (!close_surplus(room, Fate::mute)) return;
  ServerStream(x_).send_own_sync();
}

// False: nothing had to be closed, or nothing could be.
bool StatementProvider::close_surplus(std::size_t room, Fate fate) {
  // A client's own statements are as many as it has prepared.
  if (x_.has_own_names()) return false;
  bool any = false;
  while (const StatementRef victim = x_.backend->statements.to_evict(room)) {
    write_close_statement(x_.worker.to_server().own(), victim->server_name);
    x_.worker.to_server().end_own();
    x_.backend->statements.begin_close(victim, x_.tracker.segment());
    x_.expect(
        {.reply = Reply::close, .fate = fate, .changes = {Change::backend_statements}, .statement = victim});
    any = true;
  }
  return any;
}

}  // namespace pgweir
