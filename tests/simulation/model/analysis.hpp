// Parse analysis: which relations and columns a statement's names stand for, what types its expressions,
// parameters and result columns have. Opens (and so locks) the relations, and may have to wait for that.
#pragma once

#include "tests/simulation/model/session_state.hpp"

namespace pgweir::simulation {

// The parameters of a statement. Those that nobody has declared get their types where they are used.
struct ParameterTypes {
  std::vector<Oid> types;
  bool may_grow = false;
  // What literals of type timestamptz were read as, in the order in which they stand in the statement.
  std::vector<std::string> instants{};
  // They were read by an analysis that still holds; how many of them this one has used.
  bool knows_instants = false;
  std::size_t used = 0;
};

struct Analysed {
  ResultColumns columns;
  bool returns_rows = false;
};

struct FunctionDefinition;

class Analyser {
 public:
  Analyser(SessionState& state, ParameterTypes& parameters) : s_(state), parameters_(parameters) {}
  Analysed analyse(Statement& statement);
  // An argument of EXECUTE, or of something else without columns.
  void analyse_value(Expression& expression, Oid target, const std::string& what);
  const FunctionDefinition& function_of(const Expression& call);

 private:
  enum class Context { implicit, assignment, by_cast };
  struct ScopeColumn {
    std::string name;
    Oid type;
    Oid table;
    std::uint16_t attribute;
  };

  Analysed analyse_utility(Statement& statement);
  ResultColumns analyse_select(Select& select);
  void analyse_insert(Insert& insert);
  void analyse_delete(Delete& remove);
  void open_scope(FromItem& from);
  void expand_star(Select& select);
  void analyse_where(Expression& where);
  void assign(Expression& expression, const ColumnDefinition& column);
  void visit(Expression& e);
  void visit_column(Expression& e);
  void visit_parameter(Expression& e);
  void visit_binary(Expression& e);
  void visit_cast(Expression& e);
  void visit_call(Expression& e);
  void visit_array(Expression& e);
  void visit_instant(Expression& e);
  bool coerce(Expression& e, Oid target, Context context);
  [[noreturn]] void no_operator(const Expression& e) const;

  SessionState& s_;
  ParameterTypes& parameters_;
  std::vector<ScopeColumn> scope_;
  std::string scope_name_;
};

}  // namespace pgweir::simulation
