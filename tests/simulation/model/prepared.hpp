// Prepared statements, by Parse or by PREPARE. Each use parses the text anew. Its names stand for what they stood for
// before, unless the search_path leads elsewhere or one of the relations has changed: a table that was made in front of
// another one is not seen. A result that has changed is an error (plancache.c).
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
  StatementPtr revalidate(PreparedStatement& prepared);
  // Those of an EXECUTE or FETCH can be others each time.
  ResultColumns columns_now(Statement& statement);
  // They are analysed again when they are used next.
  void forget_analyses();
  void deallocate(const Deallocate& command);
  void drop_all() { s_.prepared.clear(); }

 private:
  void bind_names(PreparedStatement& prepared, Statement& statement);
  void use_binding(PreparedStatement& prepared, Statement& statement);

  SessionState& s_;
};

SqlDialect dialect_of(const SessionState& state);

}  // namespace pgweir::simulation
