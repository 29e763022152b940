// The values of expressions.
#pragma once

#include "tests/simulation/model/session_state.hpp"

namespace pgweir::simulation {

class Evaluator {
 public:
  Evaluator(SessionState& state, const std::vector<Value>& parameters, Replay& replay)
      : s_(state), parameters_(parameters), replay_(replay) {}
  void set_row(const Row& row) { row_ = &row; }
  Value evaluate(const Expression& expression);
  bool is_true(const Expression& condition) { return evaluate(condition) == Value("t"); }

 private:
  Value binary(const Expression& expression);
  Value call(const Expression& expression);
  Value array(const Expression& expression);

  SessionState& s_;
  const std::vector<Value>& parameters_;
  Replay& replay_;
  const Row* row_ = nullptr;
};

// The planner's part: what is constant is computed before the first row, so that its errors come before
// anything is sent. `with_parameters`: their values are known.
void fold_constants(SessionState& state, Expression& expression, const std::vector<Value>& parameters,
                    bool with_parameters);

// The elements of an array in its text form, as the evaluator makes them.
std::vector<std::string> array_elements(const std::string& array);

}  // namespace pgweir::simulation
