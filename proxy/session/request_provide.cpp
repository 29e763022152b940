// Client to server: what has to go out in front of a message, so that the backend has what it needs.
#include "protocol/frontend.hpp"
#include "proxy/pool/pool.hpp"
#include "proxy/session/analysis_context.hpp"
#include "proxy/session/request_path.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {
namespace {

using Presence = BackendStatements::Presence;

using Description = BackendStatements::Description;

}  // namespace

RequestPath::Provided RequestPath::provide(std::string_view name, StatementRef& statement, bool is_own,
                                           const BindView* bind) {
  if (name.empty()) return provide_unnamed(statement);
  if (!statement) return Provided::yes;
  // What the server said of it holds for what was in force then, and for the types of its parameters then.
  BackendStatements& held = x_.backend->statements;
  if (held.is_as_told(statement, x_.tracker.segment())) {
    x_.checked_again = nullptr;
    return Provided::yes;
  }
  if (held.description_of(statement) == Description::changed && x_.checked_again != statement.get()) {
    held.doubt(statement);
    x_.checked_again = statement.get();
  }
  if (provide_named(statement) == Progress::hold) return Provided::not_yet;
  return is_own && !statement->by_sql ? check_shape(name, statement, bind) : Provided::yes;
}

// Whether it is on this backend what its clients were told.
RequestPath::Provided RequestPath::check_shape(std::string_view name, StatementRef& statement,
                                               const BindView* bind) {
  const Description description = x_.backend->statements.description_of(statement);
  if (description != Description::asked) x_.checked_again = nullptr;
  if (description == Description::same) return Provided::yes;
  const bool described = x_.statements.is_described(name) || (bind != nullptr && asks_for_binary(bind->rest));
  if (description != Description::changed) {
    const bool compares = described && statement->shape.get() != nullptr;
    if (!compares || x_.backend->statements.is_own_parse(statement)) return Provided::yes;
    if (description == Description::unknown) ask_shape(statement, Purpose::learn_shape);
    return Provided::not_yet;
  }
  // In a failed transaction the server has that to say first.
  if (x_.tracker.status() == TransactionStatus::failed) return Provided::yes;
  if (described || !is_in_its_context(x_, *statement)) return Provided::changed;
  statement = x_.pool->statements().renew_for_holder(statement);
  x_.statements.put(name, statement);
  return provide_named(statement) == Progress::done ? Provided::yes : Provided::not_yet;
}

// Types that the server has inferred once are the statement's for good, whatever has become of its tables
// (plancache.c).
ByteView RequestPath::known_types(const Statement& statement) const {
  const StatementShape* const shape = statement.shape.get();
  return shape != nullptr ? shape->parameter_types : statement.parameter_types;
}

// In front of its Parse: its own older version goes, or the least recently used statements.
void RequestPath::make_room_for(const StatementRef& statement) {
  BackendStatements& held = x_.backend->statements;
  const bool may_exist = held.find(statement, x_.tracker.segment()) == Presence::present;
  if (!may_exist && !held.is_doubtful(statement)) return evict();
  write_close_statement(x_.worker.to_server().own(), statement->server_name);
  x_.worker.to_server().end_own();
  held.begin_close(statement, x_.tracker.segment());
  x_.tracker.expect({.reply = Reply::close, .fate = Fate::drop, .holds = true, .statement = statement},
                    sink_);
}

RequestPath::Progress RequestPath::provide_named(const StatementRef& statement) {
  const Presence presence = x_.backend->statements.find(statement, x_.tracker.segment());
  if (presence == Presence::undecided) return Progress::hold;
  if (presence == Presence::present) return Progress::done;
  if (statement->by_sql) return provide_by_sql(statement);
  make_room_for(statement);
  write_parse(x_.worker.to_server().own(), statement->server_name, statement->text, known_types(*statement));
  x_.worker.to_server().end_own();
  x_.pool->counters(x_.worker).statements_injected.add();
  x_.backend->statements.begin_parse(statement, x_.tracker.segment());
  x_.tracker.expect({.reply = Reply::parse, .fate = Fate::drop, .holds = true, .statement = statement},
                    sink_);
  ask_shape(statement, Purpose::learn_shape);
  return Progress::done;
}

RequestPath::Progress RequestPath::provide_by_sql(const StatementRef& statement) {
  const std::string sql = "PREPARE \"" + statement->server_name + '"' + statement->text;
  if (insert_statement(sql, statement) == Progress::hold) return Progress::hold;
  x_.pool->counters(x_.worker).statements_injected.add();
  return Progress::done;
}

// The backend's unnamed statement may be another client's, and must never run for this one.
RequestPath::Provided RequestPath::provide_unnamed(const StatementRef& statement) {
  BackendStatements& held = x_.backend->statements;
  const bool described = statement && statement->shape.get() != nullptr && x_.statements.is_described({});
  const Presence presence = held.find_unnamed(statement, x_.tracker.segment());
  if (presence == Presence::undecided) return Provided::not_yet;
  if (presence == Presence::present) {
    if (!described || held.unnamed_description() == Description::same) return Provided::yes;
    if (held.unnamed_description() == Description::changed) return Provided::changed;
    if (held.unnamed_description() == Description::unknown) ask_shape(statement, Purpose::learn_shape);
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
  x_.tracker.expect({.reply = reply, .fate = Fate::drop, .holds = true, .statement = statement}, sink_);
  if (!described) return Provided::yes;
  ask_shape(statement, Purpose::learn_shape);
  return Provided::not_yet;
}

// In front of a Query, whose answer an error of ours must not swallow.
RequestPath::Progress RequestPath::provide_for_query(const StatementRef& statement) {
  ResponseTracker& tracker = x_.tracker;
  const Presence presence = x_.backend->statements.find(statement, tracker.segment());
  if (presence == Presence::present) return Progress::done;
  if (tracker.unsynced() || statement->by_sql) return provide_named(statement);
  if (presence == Presence::undecided || !tracker.may_insert_group()) return Progress::hold;
  ByteBuffer& out = x_.worker.to_server().own();
  const bool doubtful = x_.backend->statements.is_doubtful(statement);
  if (doubtful) write_close_statement(out, statement->server_name);
  write_parse(out, statement->server_name, statement->text, known_types(*statement));
  write_describe_statement(out, statement->server_name);
  write_sync(out);
  x_.worker.to_server().end_own();
  x_.pool->counters(x_.worker).statements_injected.add();
  if (doubtful) {
    x_.backend->statements.begin_close(statement, tracker.segment());
    tracker.expect({.reply = Reply::close, .fate = Fate::mute, .holds = true, .statement = statement}, sink_);
  }
  x_.backend->statements.begin_parse(statement, tracker.segment());
  tracker.expect({.reply = Reply::parse, .fate = Fate::mute, .holds = true, .statement = statement}, sink_);
  x_.backend->statements.describe(statement, Description::asked);
  tracker.expect({.reply = Reply::describe_statement,
                  .fate = Fate::mute,
                  .purpose = Purpose::learn_shape,
                  .statement = statement},
                 sink_);
  tracker.expect({.reply = Reply::sync, .fate = Fate::mute}, sink_);
  return Progress::done;
}

// At the limit, the least recently used statements make room for another one.
void RequestPath::evict() {
  close_surplus(1, Fate::drop);
}

// Between two batches, in front of the next one: a group of our own.
void RequestPath::trim(std::size_t room) {
  if (!close_surplus(room, Fate::mute)) return;
  write_sync(x_.worker.to_server().own());
  x_.worker.to_server().end_own();
  x_.tracker.expect({.reply = Reply::sync, .fate = Fate::mute}, sink_);
}

// False: nothing had to be closed, or could be.
bool RequestPath::close_surplus(std::size_t room, Fate fate) {
  bool any = false;
  while (const StatementRef victim = x_.backend->statements.to_evict(room)) {
    write_close_statement(x_.worker.to_server().own(), victim->server_name);
    x_.worker.to_server().end_own();
    x_.backend->statements.begin_close(victim, x_.tracker.segment());
    x_.tracker.expect({.reply = Reply::close, .fate = fate, .holds = true, .statement = victim}, sink_);
    any = true;
  }
  return any;
}

// Between two batches a Query of ours, whose errors are ours, too. Within one, an error concerns the client's
// next message, as if that had failed.
RequestPath::Progress RequestPath::insert_statement(std::string_view sql, const StatementRef& prepares) {
  ResponseTracker& tracker = x_.tracker;
  if (tracker.may_insert_group()) {
    write_query(x_.worker.to_server().own(), sql);
    x_.worker.to_server().end_own();
    x_.own.push_back(OwnQuery::nothing);
    x_.backend->statements.begin_unnamed(nullptr, tracker.segment());
    if (prepares) x_.backend->statements.begin_parse(prepares, tracker.segment());
    tracker.expect({.reply = Reply::query, .fate = Fate::mute, .holds = true, .statement = prepares}, sink_);
    return Progress::done;
  }
  if (!tracker.unsynced()) return Progress::hold;
  ByteBuffer& out = x_.worker.to_server().own();
  const std::string& own_name = x_.pool->statements().own_name();
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
  return Progress::done;
}

}  // namespace pgweir
