#include "tests/simulation/model/prepared.hpp"

#include <algorithm>

#include "tests/simulation/model/analysis.hpp"
#include "tests/simulation/model/parser.hpp"
#include "tests/simulation/model/tables.hpp"

namespace pgweir::simulation {
namespace {

void add_table(Select& select, std::vector<ObjectName*>& names) {
  if (select.from.kind == FromItem::Kind::table) names.push_back(&select.from.table);
}

// The names of relations in a statement that has a plan.
std::vector<ObjectName*> names_in(Statement& statement) {
  std::vector<ObjectName*> names;
  if (auto* const select = std::get_if<Select>(&statement.node)) add_table(*select, names);
  if (auto* const insert = std::get_if<Insert>(&statement.node)) {
    names.push_back(&insert->table);
    if (insert->select) add_table(*insert->select, names);
  }
  if (auto* const remove = std::get_if<Delete>(&statement.node)) names.push_back(&remove->table);
  return names;
}

}  // namespace

SqlDialect dialect_of(const SessionState& state) {
  return {state.settings.value("standard_conforming_strings") == "on"};
}

void PreparedStatements::add(const std::string& name, Statement* statement, std::vector<Oid> types,
                             bool from_sql) {
  PreparedStatement prepared;
  prepared.from_sql = from_sql;
  prepared.dialect = dialect_of(s_);
  ParameterTypes parameters{std::move(types), true};
  if (statement != nullptr) {
    prepared.text = statement->text;
    prepared.offset = statement->offset;
    Analysed analysed = Analyser(s_, parameters).analyse(*statement);
    prepared.columns = std::move(analysed.columns);
    prepared.returns_rows = analysed.returns_rows;
    bind_names(prepared, *statement);
  }
  for (std::size_t i = 0; i < parameters.types.size(); ++i) {
    if (parameters.types[i] == type::unknown)
      fail("42P18", "could not determine data type of parameter $" + std::to_string(i + 1));
  }
  prepared.types = std::move(parameters.types);
  prepared.instants = std::move(parameters.instants);
  const bool taken = !name.empty() && s_.prepared.contains(name);
  if (taken) fail("42P05", "prepared statement \"" + name + "\" already exists");
  s_.prepared[name] = std::move(prepared);
}

PreparedStatement& PreparedStatements::find(const std::string& name) {
  const auto found = s_.prepared.find(name);
  if (found != s_.prepared.end()) return found->second;
  if (name.empty()) fail("26000", "unnamed prepared statement does not exist");
  fail("26000", "prepared statement \"" + name + "\" does not exist");
}

// Called when the statement has been analysed.
void PreparedStatements::bind_names(PreparedStatement& prepared, Statement& statement) {
  const Tables tables(s_);
  NameBinding binding{tables.path_of_plan(), {}};
  for (const ObjectName* const name : names_in(statement)) {
    const Relation& relation = *tables.find(*name);
    binding.relations.push_back({relation.oid, relation.version});
  }
  prepared.binding = std::move(binding);
}

// Makes the names of a fresh tree stand for what they stood for before. What does not hold any more is forgotten.
void PreparedStatements::use_binding(PreparedStatement& prepared, Statement& statement) {
  const Tables tables(s_);
  const std::vector<ObjectName*> names = names_in(statement);
  const auto is_there = [&](const FoundRelation& found) {
    const Relation* const now = tables.find(found.oid);
    return now != nullptr && now->version == found.version;
  };
  if (!prepared.binding || prepared.binding->path != tables.path_of_plan() ||
      !std::all_of(prepared.binding->relations.begin(), prepared.binding->relations.end(), is_there)) {
    prepared.binding.reset();
    return;
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    const Relation& relation = *tables.find(prepared.binding->relations[i].oid);
    names[i]->schema = relation.schema;
    names[i]->name = relation.name;
  }
}

StatementPtr PreparedStatements::revalidate(PreparedStatement& prepared) {
  std::vector<StatementPtr> statements = parse_statements(prepared.text, prepared.dialect);
  if (statements.empty()) return nullptr;
  ParameterTypes parameters{prepared.types, false};
  Analysed analysed;
  use_binding(prepared, *statements.front());
  if (prepared.binding) {
    parameters.instants = prepared.instants;
    parameters.knows_instants = true;
  }
  try {
    analysed = Analyser(s_, parameters).analyse(*statements.front());
  } catch (SqlError& error) {
    if (error.position != 0) error.position += prepared.offset;
    throw;
  } catch (Blocked& blocked) {
    blocked.position = 0;  // the plan's locks are taken first
    throw;
  }
  const bool is_query = statements.front()->as<Select>() != nullptr;
  const auto is_same = [](const ResultColumn& one, const ResultColumn& other) {
    return one.name == other.name && one.type == other.type;  // equalTupleDescs(): not their tables
  };
  if (is_query && !std::equal(analysed.columns.begin(), analysed.columns.end(), prepared.columns.begin(),
                              prepared.columns.end(), is_same)) {
    throw SqlError{.code = "0A000",
                   .message = "cached plan must not change result type",
                   .routine = "RevalidateCachedQuery"};
  }
  if (is_query) prepared.columns = std::move(analysed.columns);
  prepared.instants = std::move(parameters.instants);
  bind_names(prepared, *statements.front());
  return statements.front();
}

ResultColumns PreparedStatements::columns_now(Statement& statement) {
  ParameterTypes none;
  return Analyser(s_, none).analyse(statement).columns;
}

void PreparedStatements::forget_analyses() {
  for (auto& [name, prepared] : s_.prepared) prepared.binding.reset();
}

void PreparedStatements::deallocate(const Deallocate& command) {
  if (!command.all) {
    static_cast<void>(find(command.name));
    s_.prepared.erase(command.name);
    return;
  }
  std::erase_if(s_.prepared, [](const auto& entry) { return !entry.first.empty(); });
}

}  // namespace pgweir::simulation
