#include "proxy/request/own_names.hpp"

#include <algorithm>
#include <string>
#include <utility>
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

Progress OwnNames::provide_for(const SqlEffects& effects, std::string_view text) {
  return are_needed(effects, text) ? begin(text) : Progress::done;
}

Progress OwnNames::provide_for_values(const SqlEffects& effects, ByteView values) {
  const bool may_matter = effects.facts.contains(SqlFact::calls_unknown_function) && !x_.has_own_names() &&
                          !x_.statements.committed().empty();
  if (!may_matter) return Progress::done;
  BindValues each(values);
  for (std::string_view value; each.next(value);) {
    if (is_named_statement(value)) return begin({});
  }
  return Progress::done;
}

// Code finds nothing under a name that the client does not have, here as there.
bool OwnNames::are_needed(const SqlEffects& effects, std::string_view text) const {
  if (x_.has_own_names()) return false;
  StatementNames names = effects.statement_names;
  const FunctionTable& functions = x_.commons->code().functions();
  if (effects.facts.contains(SqlFact::calls_unknown_function) && functions.knows_statement_users()) {
    FunctionQuestion ignored;
    names = std::max(names, x_.commons->code().functions().judge(text, ignored).statement_names);
  }
  const bool has_names = !x_.statements.committed().empty() || x_.statements.has_pending();
  return names == StatementNames::listed || (names == StatementNames::by_code && has_names);
}

// In a failed transaction nothing is looked at.
Progress OwnNames::begin(std::string_view text) {
  ResponseTracker& tracker = x_.tracker;
  const bool is_settled = tracker.idle() && (tracker.unsynced() || tracker.may_insert_group());
  if (!is_settled) return Progress::hold;
  if (tracker.status() == TransactionStatus::failed) return Progress::done;
  drop_others();
  std::vector<std::pair<std::string, StatementRef>> own;
  for (const auto& [name, held] : x_.statements.committed())
    own.emplace_back(name, x_.commons->statements().make_named(held.statement, name));
  const bool in_block = !tracker.unsynced() && tracker.status() == TransactionStatus::in_transaction;
  if (in_block && !own.empty()) ServerStream(x_).send_own(OwnQuery::no_op, set_savepoint);
  for (const auto& [name, statement] : own) {
    x_.statements.put(name, statement);
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

// One that cannot be prepared any more stays the client's all the same, and its use says why.
void OwnNames::prepare(const StatementRef& statement) {
  if (statement->by_sql) {
    static_cast<void>(ServerStream(x_).insert_statement(text_of_prepare(*statement), statement));
    return;
  }
  const bool is_in_batch = x_.tracker.unsynced();
  write_parse(x_.worker.to_server().own(), statement->server_name, statement->text,
              statement->parameter_types);
  x_.worker.to_server().end_own();
  x_.backend->statements.begin_parse(statement, x_.tracker.segment());
  x_.expect({.reply = Reply::parse,
             .fate = is_in_batch ? Fate::drop : Fate::mute,
             .changes = {Change::backend_statements},
             .statement = statement});
  if (!is_in_batch) ServerStream(x_).send_own_sync();
}

}  // namespace pgweir
