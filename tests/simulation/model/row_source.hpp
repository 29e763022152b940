// Where the rows of a portal come from.
#pragma once

#include <utility>
#include <vector>

#include "tests/simulation/model/types.hpp"

namespace pgweir::simulation {

class RowSource {
 public:
  virtual ~RowSource() = default;
  // False: there are no more. Throws SqlError, or Blocked and is then called again for the same row.
  virtual bool next(Row& out) = 0;
};

class StoredRows : public RowSource {
 public:
  explicit StoredRows(std::vector<Row> rows) : rows_(std::move(rows)) {}
  bool next(Row& out) override {
    if (at_ == rows_.size()) return false;
    out = rows_[at_++];
    return true;
  }

 private:
  std::vector<Row> rows_;
  std::size_t at_ = 0;
};

}  // namespace pgweir::simulation
