// Client to server: what has to go out in front of a message, so that the backend has what it needs.
#include "protocol/frontend.hpp"
#include "proxy/pool.hpp"
#include "proxy/request_path.hpp"
#include "proxy/worker.hpp"

namespace pgweir {
namespace {

using Presence = BackendStatements::Presence;

// What inserted statements of ours are called, in the middle of a client's extended batch.
constexpr std::string_view own_name = "__pgweir_own";

}  // namespace

bool RequestPath::provide(std::string_view name, const StatementRef& statement) {
  if (name.empty()) return provide_unnamed(statement);
  return !statement || provide_named(statement);
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

}  // namespace pgweir
