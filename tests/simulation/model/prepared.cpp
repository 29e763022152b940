#include "tests/simulation/model/prepared.hpp"

#include <algorithm>

#include "tests/simulation/model/analysis.hpp"
#include "tests/simulation/model/parser.hpp"

namespace pgweir::simulation {

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
  }
  for (std::size_t i = 0; i < parameters.types.size(); ++i) {
    if (parameters.types[i] == type::unknown)
      fail("42P18", "could not determine data type of parameter $" + std::to_string(i + 1));
  }
  prepared.types = std::move(parameters.types);
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

StatementPtr PreparedStatements::revalidate(const PreparedStatement& prepared) {
  std::vector<StatementPtr> statements = parse_statements(prepared.text, prepared.dialect);
  if (statements.empty()) return nullptr;
  ParameterTypes parameters{prepared.types, false};
  Analysed analysed;
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
  if (is_query && analysed.columns != prepared.columns) {
    throw SqlError{.code = "0A000",
                   .message = "cached plan must not change result type",
                   .routine = "RevalidateCachedQuery"};
  }
  return statements.front();
}

ResultColumns PreparedStatements::columns_now(Statement& statement) {
  ParameterTypes none;
  return Analyser(s_, none).analyse(statement).columns;
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
