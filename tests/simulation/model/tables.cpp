#include "tests/simulation/model/tables.hpp"

#include <algorithm>

#include "protocol/sql_tokenizer.hpp"
#include "tests/simulation/model/cluster.hpp"
#include "tests/simulation/model/transaction.hpp"

namespace pgweir::simulation {
namespace {

constexpr std::string_view temporary_alias = "pg_temp";

std::vector<std::string> names_in(const std::string& path) {
  std::vector<std::string> names;
  SqlTokenizer tokenizer(path);
  for (Token token = tokenizer.next(); token.kind != TokenKind::end; token = tokenizer.next()) {
    std::string name;
    if (token.kind != TokenKind::comma && identifier_name(token, name)) names.push_back(std::move(name));
  }
  return names;
}

}  // namespace

Catalog& Tables::catalog() const {
  return s_.cluster.catalog(s_.database);
}

std::vector<std::string> Tables::path() const {
  std::vector<std::string> schemas;
  const std::vector<std::string> names = names_in(s_.settings.value("search_path"));
  const bool lists_temporary = std::find(names.begin(), names.end(), temporary_alias) != names.end();
  if (!lists_temporary) schemas.push_back(s_.temporary_schema());
  for (std::string name : names) {
    if (name == temporary_alias) name = s_.temporary_schema();
    if (name == "$user") name = s_.identity.current_user();
    const bool exists = name == s_.temporary_schema() || catalog().has_schema(name, s_.transaction.id);
    if (exists) schemas.push_back(std::move(name));
  }
  return schemas;
}

bool Tables::has_temporary_schema() const {
  const TransactionLog& log = s_.cluster.log();
  return s_.temporary_schema_made_by &&
         log.sees(*s_.temporary_schema_made_by, log.snapshot(), s_.transaction.id);
}

std::vector<std::string> Tables::path_of_plan() const {
  std::vector<std::string> schemas = path();
  const bool lists_temporary = s_.settings.value("search_path").find(temporary_alias) != std::string::npos;
  const auto first = schemas.begin() + (lists_temporary || schemas.empty() ? 0 : 1);
  schemas.push_back("into " + (first == schemas.end() ? std::string() : *first));
  if (!has_temporary_schema()) std::erase(schemas, s_.temporary_schema());
  return schemas;
}

const Relation* Tables::find(const ObjectName& name) const {
  if (!name.schema.empty()) {
    const bool temporary = name.schema == temporary_alias;
    return catalog().find(temporary ? s_.temporary_schema() : name.schema, name.name, s_.transaction.id);
  }
  for (const std::string& schema : path()) {
    if (const Relation* const found = catalog().find(schema, name.name, s_.transaction.id)) return found;
  }
  return nullptr;
}

void Tables::lock(LockKey key, LockMode mode) {
  if (!s_.cluster.locks().acquire(s_.pid, key, mode, s_.transaction.level())) throw Blocked{true, {}};
}

const Relation& Tables::open(const ObjectName& name, LockMode mode) {
  TransactionControl(s_).snapshot();
  const Relation* relation = find(name);
  if (relation != nullptr) {
    try {
      lock({LockKey::Kind::relation, s_.database, relation->oid}, mode);
    } catch (Blocked& blocked) {
      blocked.position = name.position;
      throw;
    }
    relation = find(name);
  }
  if (relation == nullptr) fail("42P01", "relation \"" + name.display() + "\" does not exist", name.position);
  return *relation;
}

Row Tables::values_of(const StoredRow& row, const Relation& relation) const {
  Row values;
  for (const TableColumn& column : relation.columns) {
    const std::size_t at = column.attribute - 1U;
    Value value = at < row.values.size() ? row.values[at] : std::nullopt;
    if (value) value = read_value(column.type, *value);
    values.push_back(std::move(value));
  }
  return values;
}

bool Tables::is_seen(const StoredRow& row, std::uint64_t snapshot) const {
  const TransactionLog& log = s_.cluster.log();
  const TransactionId mine = s_.transaction.id;
  return log.sees(row.made_by, snapshot, mine) &&
         !(row.removed_by != 0 && log.sees(row.removed_by, snapshot, mine));
}

std::vector<Row> Tables::read(const Relation& relation, std::uint64_t snapshot) const {
  std::vector<Row> rows;
  for (const StoredRow& row : catalog().rows(relation.oid)) {
    if (is_seen(row, snapshot)) rows.push_back(values_of(row, relation));
  }
  return rows;
}

void Tables::insert(const Relation& relation, Row values) {
  StoredRow row;
  row.made_by = TransactionControl(s_).id_for_writing();
  row.values.resize(relation.attributes);
  for (std::size_t i = 0; i < values.size(); ++i)
    row.values[relation.columns[i].attribute - 1U] = std::move(values[i]);
  catalog().rows(relation.oid).push_back(std::move(row));
}

void Tables::wait_for(TransactionId other, const Relation& relation) {
  try {
    lock({LockKey::Kind::transaction, {}, other}, LockMode::shared);
  } catch (Blocked& blocked) {
    blocked.context = "while deleting tuple (0,1) in relation \"" + relation.name + '"';
    throw;
  }
}

// All or nothing: where one row has to be waited for, none is deleted yet.
std::size_t Tables::remove(const Relation& relation, const std::function<bool(const Row&)>& chosen) {
  using Fate = TransactionLog::Fate;
  const TransactionLog& log = s_.cluster.log();
  const std::uint64_t snapshot = TransactionControl(s_).snapshot();
  std::vector<StoredRow*> doomed;
  for (StoredRow& row : catalog().rows(relation.oid)) {
    if (!is_seen(row, snapshot) || !chosen(values_of(row, relation))) continue;
    const TransactionId remover = row.removed_by;
    const bool is_mine = remover != 0 && log.root(remover) == s_.transaction.id;
    if (remover != 0 && !is_mine && log.fate(remover) == Fate::running) wait_for(log.root(remover), relation);
    if (remover != 0 && log.fate(remover) == Fate::committed)
      fail("40001", "could not serialize access due to concurrent delete");
    doomed.push_back(&row);
  }
  for (StoredRow* const row : doomed) row->removed_by = TransactionControl(s_).id_for_writing();
  return doomed.size();
}

}  // namespace pgweir::simulation
