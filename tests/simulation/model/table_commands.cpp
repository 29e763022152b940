// CREATE, DROP, ALTER and TRUNCATE, and what becomes of temporary tables: the commands of Tables.
#include <algorithm>

#include "tests/simulation/model/cluster.hpp"
#include "tests/simulation/model/tables.hpp"
#include "tests/simulation/model/transaction.hpp"

namespace pgweir::simulation {
namespace {

const char* kind_of(bool sequence) {
  return sequence ? "sequence" : "table";
}

std::vector<TableColumn>::iterator find_column(Relation& relation, const std::string& name) {
  const auto found = std::find_if(relation.columns.begin(), relation.columns.end(),
                                  [&](const TableColumn& column) { return column.name == name; });
  if (found == relation.columns.end())
    fail("42703", "column \"" + name + "\" of relation \"" + relation.name + "\" does not exist");
  return found;
}

}  // namespace

std::string Tables::creation_schema(const CreateRelation& create) const {
  const std::string& schema = create.name.schema;
  const std::size_t position = create.sequence ? 0 : create.name.position;
  if (create.temporary) {
    if (!schema.empty() && schema != "pg_temp")
      fail("42P16", "cannot create temporary relation in non-temporary schema", position);
    return s_.temporary_schema();
  }
  if (schema == "pg_temp") return s_.temporary_schema();
  if (!schema.empty()) {
    if (!catalog().has_schema(schema, s_.transaction.id))
      fail("3F000", "schema \"" + schema + "\" does not exist", position);
    return schema;
  }
  for (const std::string& one : path()) {
    const bool implicit =
        one == s_.temporary_schema() && s_.settings.value("search_path").find("pg_temp") == std::string::npos;
    if (!implicit) return one;
  }
  fail("3F000", "no schema has been selected to create in", position);
}

std::string Tables::create(const CreateRelation& create) {
  const std::string tag = create.sequence ? "CREATE SEQUENCE" : "CREATE TABLE";
  TransactionControl(s_).require_writable(tag);
  const std::string schema = creation_schema(create);
  if (schema == s_.temporary_schema() && !has_temporary_schema())
    s_.temporary_schema_made_by = TransactionControl(s_).id_for_writing();
  lock({LockKey::Kind::name, s_.database, 0, schema + '.' + create.name.name}, LockMode::exclusive);
  if (catalog().find(schema, create.name.name, s_.transaction.id) != nullptr) {
    if (!create.if_not_exists) fail("42P07", "relation \"" + create.name.name + "\" already exists");
    s_.notice("NOTICE", "42P07", "relation \"" + create.name.name + "\" already exists, skipping");
    return tag;
  }
  if (create.on_commit != CreateRelation::OnCommit::keep && schema != s_.temporary_schema())
    fail("42P16", "ON COMMIT can only be used on temporary tables");
  Relation relation;
  relation.schema = schema;
  relation.name = create.name.name;
  relation.sequence = create.sequence;
  relation.on_commit = create.on_commit;
  for (const ColumnDefinition& column : create.columns) {
    for (const TableColumn& other : relation.columns) {
      if (other.name == column.name) fail("42701", "column \"" + column.name + "\" specified more than once");
    }
    relation.columns.push_back({column.name, column.type, ++relation.attributes});
  }
  relation.made_by = TransactionControl(s_).id_for_writing();
  catalog().add(std::move(relation));
  return tag;
}

std::string Tables::create(const CreateSchema& create) {
  TransactionControl(s_).require_writable("CREATE SCHEMA");
  if (catalog().has_schema(create.name, s_.transaction.id)) {
    if (!create.if_not_exists) fail("42P06", "schema \"" + create.name + "\" already exists");
    s_.notice("NOTICE", "42P06", "schema \"" + create.name + "\" already exists, skipping");
    return "CREATE SCHEMA";
  }
  catalog().add_schema(create.name, TransactionControl(s_).id_for_writing());
  return "CREATE SCHEMA";
}

std::string Tables::drop(const DropRelation& drop) {
  const std::string tag = drop.sequence ? "DROP SEQUENCE" : "DROP TABLE";
  TransactionControl(s_).require_writable(tag);
  const Relation* relation = find(drop.name);
  if (relation == nullptr) {
    const bool no_schema = !drop.name.schema.empty() && drop.name.schema != "pg_temp" &&
                           !catalog().has_schema(drop.name.schema, s_.transaction.id);
    const std::string missing =
        no_schema ? "schema \"" + drop.name.schema : kind_of(drop.sequence) + (" \"" + drop.name.name);
    const std::string what = missing + "\" does not exist";
    if (!drop.if_exists && no_schema) fail("3F000", what);
    if (!drop.if_exists) fail("42P01", what);
    s_.notice("NOTICE", "00000", what + ", skipping");
    return tag;
  }
  lock({LockKey::Kind::relation, s_.database, relation->oid}, LockMode::exclusive);
  if (relation->sequence != drop.sequence) {
    throw SqlError{.code = "42809",
                   .message = '"' + relation->name + "\" is not a " + kind_of(drop.sequence),
                   .hint = std::string("Use DROP ") + (relation->sequence ? "SEQUENCE" : "TABLE") +
                           " to remove a " + kind_of(relation->sequence) + "."};
  }
  for (const auto& [name, portal] : s_.portals) {
    const auto* const select = portal->statement ? portal->statement->as<Select>() : nullptr;
    if (select != nullptr && select->from.kind == FromItem::Kind::table &&
        find(select->from.table) == relation)
      fail("55006", "cannot DROP TABLE \"" + relation->name +
                        "\" because it is being used by active queries in this session");
  }
  catalog().remove(relation->oid, TransactionControl(s_).id_for_writing());
  return tag;
}

std::string Tables::alter(const AlterTable& alter) {
  TransactionControl(s_).require_writable("ALTER TABLE");
  Relation changed = open({alter.name.schema, alter.name.name, 0}, LockMode::exclusive);
  for (const auto& [name, portal] : s_.portals) {
    const auto* const select = portal->statement ? portal->statement->as<Select>() : nullptr;
    if (select != nullptr && select->from.kind == FromItem::Kind::table &&
        find(select->from.table)->oid == changed.oid)
      fail("55006", "cannot ALTER TABLE \"" + changed.name +
                        "\" because it is being used by active queries in this session");
  }
  const std::string& name = alter.column.name;
  if (alter.action == AlterTable::Action::add_column) {
    for (const TableColumn& other : changed.columns) {
      if (other.name == name)
        fail("42701", "column \"" + name + "\" of relation \"" + changed.name + "\" already exists");
    }
    changed.columns.push_back({name, alter.column.type, ++changed.attributes});
  } else if (alter.action == AlterTable::Action::drop_column) {
    changed.columns.erase(find_column(changed, name));
  } else {
    TableColumn& column = *find_column(changed, name);
    const bool narrows = alter.column.type != type::text && column.type == type::text;
    if (narrows && !alter.has_using) {
      const std::string to(name_of_type(alter.column.type));
      throw SqlError{.code = "42804",
                     .message = "column \"" + name + "\" cannot be cast automatically to type " + to,
                     .hint = "You might need to specify \"USING " + name + "::" + to + "\"."};
    }
    column.type = alter.column.type;
    // Throws where a value does not fit the new type.
    for (const StoredRow& row : catalog().rows(changed.oid)) {
      if (is_seen(row, s_.cluster.log().snapshot())) static_cast<void>(values_of(row, changed));
    }
  }
  catalog().replace(std::move(changed), TransactionControl(s_).id_for_writing());
  return "ALTER TABLE";
}

std::string Tables::truncate(const Truncate& truncate) {
  TransactionControl(s_).require_writable("TRUNCATE TABLE");
  const Relation& relation = open({truncate.table.schema, truncate.table.name, 0}, LockMode::exclusive);
  for (StoredRow& row : catalog().rows(relation.oid)) {
    if (is_seen(row, s_.cluster.log().snapshot())) row.removed_by = TransactionControl(s_).id_for_writing();
  }
  catalog().replace(Relation(relation), TransactionControl(s_).id_for_writing());  // its file is another one
  return "TRUNCATE TABLE";
}

void Tables::discard_temporary() {
  for (const Relation* const relation : catalog().in_schema(s_.temporary_schema(), s_.transaction.id))
    catalog().remove(relation->oid, TransactionControl(s_).id_for_writing());
}

void Tables::apply_on_commit() {
  using OnCommit = CreateRelation::OnCommit;
  for (const Relation* const relation : catalog().in_schema(s_.temporary_schema(), s_.transaction.id)) {
    if (relation->on_commit == OnCommit::drop)
      catalog().remove(relation->oid, TransactionControl(s_).id_for_writing());
    if (relation->on_commit != OnCommit::remove_rows) continue;
    for (StoredRow& row : catalog().rows(relation->oid)) {
      if (is_seen(row, s_.cluster.log().snapshot())) row.removed_by = TransactionControl(s_).id_for_writing();
    }
  }
}

}  // namespace pgweir::simulation
