// Prepared statements, by Parse or by PREPARE. Each use parses and analyses the text anew, so that changed
// tables and another search_path show; a result that has changed is an error (plancache.c).
#pragma once

#include "tests/simulation/model/session_state.hpp"

namespace pgweir::simulation {

class PreparedStatements {
 public:
  explicit PreparedStatements(SessionState& state) : s_(state) {}

  // Analyses, and only then finds that the name is taken. `statement` null: an empty text.
  void add(const std::string& name, Statement* statement, std::vector<Oid> types, bool from_sql);
  PreparedStatement& find(const std::string& name);  // 26000
  // Null: an empty statement.
  StatementPtr revalidate(const PreparedStatement& prepared);
  // Those of an EXECUTE or FETCH can be others each time.
  ResultColumns columns_now(Statement& statement);
  void deallocate(const Deallocate& command);
  void drop_all() { s_.prepared.clear(); }

 private:
  SessionState& s_;
};

SqlDialect dialect_of(const SessionState& state);

}  // namespace pgweir::simulation
