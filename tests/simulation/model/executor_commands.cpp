// What statements without rows do: the commands of Executor.
#include <utility>

#include "tests/simulation/model/advisory.hpp"
#include "tests/simulation/model/analysis.hpp"
#include "tests/simulation/model/channels.hpp"
#include "tests/simulation/model/cluster.hpp"
#include "tests/simulation/model/copy.hpp"
#include "tests/simulation/model/cursors.hpp"
#include "tests/simulation/model/executor.hpp"
#include "tests/simulation/model/prepared.hpp"
#include "tests/simulation/model/select_rows.hpp"
#include "tests/simulation/model/sequences.hpp"
#include "tests/simulation/model/setting_commands.hpp"
#include "tests/simulation/model/tables.hpp"
#include "tests/simulation/model/transaction.hpp"

namespace pgweir::simulation {

std::string Executor::command(Portal& portal) {
  using Kind = PendingListen::Kind;
  Statement& statement = *portal.statement;
  TransactionControl control(s_);
  if (const auto* const it = statement.as<TransactionCommand>()) return control.run(*it);
  if (const auto* const it = statement.as<SetCommand>()) return SettingCommands(s_).run(*it);
  if (const auto* const it = statement.as<SetTransaction>()) return SettingCommands(s_).run(*it);
  if (const auto* const it = statement.as<AlterDefaults>()) return SettingCommands(s_).run(*it);
  if (auto* const it = std::get_if<Insert>(&statement.node)) return insert(portal, *it);
  if (auto* const it = std::get_if<Delete>(&statement.node)) return remove(portal, *it);
  if (const auto* const it = statement.as<CreateRelation>()) return Tables(s_).create(*it);
  if (const auto* const it = statement.as<CreateSchema>()) return Tables(s_).create(*it);
  if (const auto* const it = statement.as<DropRelation>()) return Tables(s_).drop(*it);
  if (const auto* const it = statement.as<AlterTable>()) return Tables(s_).alter(*it);
  if (const auto* const it = statement.as<Truncate>()) return Tables(s_).truncate(*it);
  if (const auto* const it = statement.as<CopyCommand>()) return copy(portal, *it);
  if (const auto* const it = statement.as<DeclareCursor>()) return declare(*it);
  if (const auto* const it = statement.as<Discard>()) return discard(*it);
  if (const auto* const it = statement.as<Prepare>()) {
    PreparedStatements(s_).add(it->name, it->body.get(), it->types, true);
    return "PREPARE";
  }
  if (const auto* const it = statement.as<Deallocate>()) {
    PreparedStatements(s_).deallocate(*it);
    return it->all ? "DEALLOCATE ALL" : "DEALLOCATE";
  }
  if (const auto* const it = statement.as<CloseCursor>()) {
    Cursors(s_).close(*it);
    return it->all ? "CLOSE CURSOR ALL" : "CLOSE CURSOR";
  }
  if (const auto* const it = statement.as<Listen>()) {
    control.require_no_recovery("LISTEN");
    Channels(s_).change(Kind::listen, it->channel);
    return "LISTEN";
  }
  if (const auto* const it = statement.as<Unlisten>()) {
    Channels(s_).change(it->channel.empty() ? Kind::unlisten_all : Kind::unlisten, it->channel);
    return "UNLISTEN";
  }
  if (const auto* const it = statement.as<Notify>()) {
    Channels(s_).notify(it->channel, it->payload);
    return "NOTIFY";
  }
  if (const auto* const it = statement.as<Execute>()) {
    execute(portal, *it);
    return portal.tag;
  }
  if (const auto* const it = statement.as<Fetch>()) {
    fetch(portal, *it);
    return portal.tag;
  }
  not_understood(statement.text);
}

void Executor::require_writable_table(const ObjectName& name, const std::string& what) {
  Tables tables(s_);
  if (!tables.is_temporary(tables.open(name, LockMode::shared)))
    TransactionControl(s_).require_writable(what);
}

std::string Executor::insert(Portal& portal, Insert& insert) {
  require_writable_table(insert.table, "INSERT");
  Tables tables(s_);
  const Relation& relation = tables.open(insert.table, LockMode::shared);
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < relation.columns.size(); ++i) {
    if (insert.columns.empty()) places.push_back(i);
  }
  for (const std::string& name : insert.columns) {
    for (std::size_t i = 0; i < relation.columns.size(); ++i) {
      if (relation.columns[i].name == name) places.push_back(i);
    }
  }
  // All rows are computed before the first is stored, so that it may wait at any of them.
  std::vector<Row> rows;
  portal.replay.rewind();
  Evaluator evaluator(s_, portal.parameters, portal.replay);
  if (insert.select) {
    SelectRows source(s_, *insert.select, portal.parameters, portal.replay);
    Row row;
    while (source.next(row)) rows.push_back(row);
  }
  for (const auto& values : insert.values) {
    Row row;
    for (const ExpressionPtr& value : values) row.push_back(evaluator.evaluate(*value));
    rows.push_back(std::move(row));
  }
  for (const Row& row : rows) {
    Row stored(relation.columns.size());
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (row[i]) stored[places[i]] = read_value(relation.columns[places[i]].type, *row[i]);
    }
    tables.insert(relation, std::move(stored));
  }
  return "INSERT 0 " + std::to_string(rows.size());
}

std::string Executor::remove(Portal& portal, Delete& remove) {
  require_writable_table(remove.table, "DELETE");
  Tables tables(s_);
  const Relation& relation = tables.open(remove.table, LockMode::shared);
  portal.replay.rewind();
  Evaluator evaluator(s_, portal.parameters, portal.replay);
  const std::size_t count = tables.remove(relation, [&](const Row& row) {
    evaluator.set_row(row);
    return !remove.where || evaluator.is_true(*remove.where);
  });
  return "DELETE " + std::to_string(count);
}

std::string Executor::declare(const DeclareCursor& declare) {
  if (!declare.hold) TransactionControl(s_).require_block("DECLARE CURSOR");
  std::shared_ptr<Portal> cursor = open_select(declare.select);
  if (s_.portals.contains(declare.name)) fail("42P03", "cursor \"" + declare.name + "\" already exists");
  cursor->hold = declare.hold;
  s_.portals[declare.name] = std::move(cursor);
  return "DECLARE CURSOR";
}

std::string Executor::discard(const Discard& discard) {
  switch (discard.what) {
    case Discard::What::plans:
      PreparedStatements(s_).forget_analyses();
      return "DISCARD PLANS";
    case Discard::What::sequences:
      Sequences(s_).discard();
      return "DISCARD SEQUENCES";
    case Discard::What::temp:
      Tables(s_).discard_temporary();
      return "DISCARD TEMP";
    case Discard::What::all:
      break;
  }
  TransactionControl(s_).prevent_in_block("DISCARD ALL");
  Cursors(s_).close({{}, true});
  SettingCommands(s_).discard_all();
  PreparedStatements(s_).deallocate({{}, true});
  PreparedStatements(s_).forget_analyses();
  Channels(s_).unlisten_all();
  AdvisoryLocks(s_).release_all();
  Tables(s_).discard_temporary();
  Sequences(s_).discard();
  return "DISCARD ALL";
}

std::string Executor::copy(Portal& portal, const CopyCommand& copy) {
  return copy.in ? copy_from(portal, copy) : copy_out(portal, copy);
}

std::string Executor::copy_out(Portal& portal, const CopyCommand& copy) {
  if (!portal.inner) {
    StatementPtr select = copy.select;
    if (!select) {
      select = std::make_shared<Statement>();
      Select all;
      all.items.emplace_back();
      all.from = {FromItem::Kind::table, copy.table, {}, {}, copy.table.name};
      select->node = std::move(all);
    }
    portal.inner = open_select(select);
    write_copy_response(s_.out, BackendType::CopyOutResponse, portal.inner->columns.size());
  }
  Row row;
  while (portal.inner->rows->next(row)) {
    write_copy_data(s_.out, copy_line(row));
    ++portal.inner->sent;
  }
  write_empty(s_.out, BackendType::CopyDone);
  return "COPY " + std::to_string(portal.inner->sent);
}

std::string Executor::copy_from(Portal& portal, const CopyCommand& copy) {
  if (!portal.copy_in) {
    TransactionControl(s_).require_no_recovery("COPY");
    require_writable_table(copy.table, "COPY FROM");
    const Relation& relation = Tables(s_).open(copy.table, LockMode::shared);
    portal.copy_in = std::make_shared<CopyIn>(relation.name, relation.oid, relation.columns);
    write_copy_response(s_.out, BackendType::CopyInResponse, relation.columns.size());
  }
  if (!portal.copy_in->work(s_)) throw Blocked{.for_copy = true};
  return "COPY " + std::to_string(portal.copy_in->rows());
}

}  // namespace pgweir::simulation
