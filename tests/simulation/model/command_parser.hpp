// Parses one statement by its first word.
#pragma once

#include "tests/simulation/model/lexer.hpp"
#include "tests/simulation/model/syntax.hpp"

namespace pgweir::simulation {

class CommandParser {
 public:
  explicit CommandParser(LexemeCursor& in) : in_(in) {}
  void parse(Statement& out);

 private:
  bool parse_transaction(Statement& out);
  bool parse_prepared(Statement& out);
  bool parse_cursor(Statement& out);
  bool parse_channel(Statement& out);
  bool parse_data(Statement& out);
  TransactionCommand parse_rollback();
  Discard parse_discard();
  Prepare parse_prepare();
  DeclareCursor parse_declare();
  Fetch parse_fetch();

  LexemeCursor& in_;
};

}  // namespace pgweir::simulation
