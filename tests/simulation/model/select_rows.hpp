// The rows of a SELECT, one at a time: an error comes after the rows before it.
#pragma once

#include "tests/simulation/model/evaluation.hpp"

namespace pgweir::simulation {

class SelectRows : public RowSource {
 public:
  // Reads the table now, as a portal's snapshot does. The statement and the parameters are the portal's.
  SelectRows(SessionState& state, const Select& select, const std::vector<Value>& parameters, Replay& replay);
  bool next(Row& out) override;

 private:
  bool take_source(Row& row);
  bool count(Row& out);
  void sort(const std::string& column);
  std::optional<std::int64_t> number(const Expression& expression);

  const Select& select_;
  Replay& replay_;
  Evaluator evaluator_;
  std::vector<std::string> names_;
  std::vector<Oid> types_;
  std::vector<Row> rows_;
  std::int64_t at_ = 0;
  std::int64_t end_ = 0;
  std::int64_t first_ = 0;  // of a series
  std::int64_t left_ = -1;  // of LIMIT; negative: no limit
  bool counts_ = false;
};

// Does the planner's part for all expressions of a SELECT.
void plan_select(SessionState& state, Select& select, const std::vector<Value>& parameters,
                 bool with_parameters);

}  // namespace pgweir::simulation
