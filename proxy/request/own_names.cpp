#include "proxy/request/own_names.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "protocol/frontend.hpp"
#include "protocol/sql_dynamic.hpp"
#include "proxy/exchange/server_stream.hpp"
#include "proxy/pool/pool_commons.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {
namespace {

// Around what may fail, as a statement whose table is gone. The client's own savepoints have other names.
constexpr std::string_view set_savepoint = "SAVEPOINT __pgweir_names";
constexpr std::string_view to_savepoint = "ROLLBACK TO SAVEPOINT __pgweir_names";
constexpr std::string_view end_savepoint = "RELEASE SAVEPOINT __pgweir_names";

}  // namespace

Progress OwnNames::provide_for_values(const SqlEffects& effects, ByteView values) {
  if (!effects.facts.contains(SqlFact::calls_unknown_function) || x_.has_own_names()) return Progress::done;
  BindValues each(values);
  for (std::string_view value; each.next(value);) {
    if (mentions_statement_list(value) || (has_names() && is_named_statement(value))) return begin({});
  }
  return Progress::done;
}

// Code finds nothing under a name that the client does not have, here as there.
bool OwnNames::are_needed(const SqlEffects& effects, std::string_view text) const {
  if (x_.has_own_names()) return false;
  StatementNames names = effects.statement_names;
  FunctionTable& functions = x_.commons->code().functions();
  if (effects.facts.contains(SqlFact::calls_unknown_function) && functions.knows_statement_users()) {
    FunctionQuestion ignored;
    names = std::max(names, functions.judge(text, ignored).statement_names);
  }
  // A text that cannot be read as a whole shows that much.
  if (effects.is_unreadable() && folded_find(text, "pg_prepared_statement")) names = StatementNames::listed;
  return names == StatementNames::listed || (names == StatementNames::by_code && has_names());
}

bool OwnNames::has_names() const {
  return !x_.statements.committed().empty() || x_.statements.has_pending();
}

// A failed transaction refuses whatever the text looks at.
Progress OwnNames::begin(std::string_view text) {
  ResponseTracker& tracker = x_.tracker;
  const bool is_settled = tracker.idle() && (tracker.unsynced() || tracker.may_insert_group());
  if (!is_settled) return Progress::hold;
  if (tracker.status() == TransactionStatus::failed) return Progress::done;
  drop_others();
  struct Own {
    std::string name;
    StatementRef statement;
    bool described;
  };
  std::vector<Own> own;
  for (const auto& [name, held] : x_.statements.committed())
    own.push_back({name, x_.commons->statements().make_named(held.statement, name), held.described});
  const bool in_block = !tracker.unsynced() && tracker.status() == TransactionStatus::in_transaction;
  if (in_block && !own.empty()) ServerStream(x_).send_own(OwnQuery::no_op, set_savepoint);
  for (const auto& [name, statement, described] : own) {
    x_.statements.put(name, statement);
    if (described) x_.statements.mark_described(name);
    prepare(statement);
    if (in_block) ServerStream(x_).send_own(OwnQuery::no_op, to_savepoint);
  }
  if (in_block && !own.empty()) ServerStream(x_).send_own(OwnQuery::no_op, end_savepoint);
  // The names of before are not to come back.
  x_.batch.state = Batch::State::none;
  x_.pins.insert(Pin::own_statements);
  x_.watch.note_begin({Pin::own_statements}, text);
  return Progress::done;
}

// Closing a statement that is not there is no error.
void OwnNames::drop_others() {
  const Fate fate = x_.tracker.unsynced() ? Fate::drop : Fate::mute;
  ByteBuffer& out = x_.worker.to_server().own();
  const auto close = [&](const std::string& name) {
    write_close_statement(out, name);
    x_.expect({.reply = Reply::close, .fate = fate});
  };
  for (const StatementRef& statement : x_.backend->statements.all()) close(statement->server_name);
  close(x_.commons->statements().taken_name()->server_name);
  close(x_.commons->statements().own_name());
  close(x_.commons->statements().own_name() + std::string(preparing_suffix));
  x_.worker.to_server().end_own();
  x_.backend->statements.clear();
  if (fate == Fate::mute) ServerStream(x_).send_own_sync();
}

// One that cannot be prepared any more stays the client's all the same, and its use says why. One whose rows are not what
// the client was told fails when it is used, as it would have with its plan of before.
void OwnNames::prepare(const StatementRef& statement) {
  if (statement->by_sql) {
    static_cast<void>(ServerStream(x_).insert_statement(text_of_prepare(*statement), statement));
    return;
  }
  const bool is_in_batch = x_.tracker.unsynced();
  const Fate fate = is_in_batch ? Fate::drop : Fate::mute;
  const bool was_told = statement->shape.get() != nullptr;
  ByteBuffer& out = x_.worker.to_server().own();
  write_parse(out, statement->server_name, statement->text, statement->parameter_types);
  if (was_told) write_describe_statement(out, statement->server_name);
  x_.worker.to_server().end_own();
  x_.backend->statements.begin_parse(statement, x_.tracker.segment());
  x_.expect(
      {.reply = Reply::parse, .fate = fate, .changes = {Change::backend_statements}, .statement = statement});
  if (was_told) {
    x_.backend->statements.describe(statement, BackendStatements::Description::asked);
    x_.expect({.reply = Reply::describe_statement,
               .fate = fate,
               .purpose = Purpose::learn_shape,
               .statement = statement});
  }
  if (!is_in_batch) ServerStream(x_).send_own_sync();
}

}  // namespace pgweir
