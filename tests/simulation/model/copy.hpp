// COPY in text form: lines of fields with tabs between, \N for null.
#pragma once

#include "tests/simulation/model/session_state.hpp"
#include "tests/simulation/model/tables.hpp"

namespace pgweir::simulation {

std::string copy_line(const Row& row);

// A COPY FROM STDIN under way.
class CopyIn {
 public:
  CopyIn(std::string table, Oid oid, std::vector<TableColumn> columns)
      : table_(std::move(table)), oid_(oid), columns_(std::move(columns)) {}

  void add(std::string_view data) { rest_ += data; }
  void finish() { finished_ = true; }
  [[noreturn]] void give_up(std::string code, std::string message) const;
  // Takes the lines that are there. True: that was all.
  bool work(SessionState& state);
  std::size_t rows() const { return rows_; }
  Oid oid() const { return oid_; }

 private:
  Row read(std::string_view line) const;
  std::string where() const { return "COPY " + table_ + ", line " + std::to_string(line_); }

  std::string table_;
  Oid oid_;
  std::vector<TableColumn> columns_;
  std::string rest_;
  std::size_t line_ = 0;
  std::size_t rows_ = 0;
  bool finished_ = false;
  bool ended_ = false;  // by \. in the data
};

}  // namespace pgweir::simulation
