// Parses expressions, by the precedence of PostgreSQL's operators.
#pragma once

#include "tests/simulation/model/lexer.hpp"
#include "tests/simulation/model/syntax.hpp"

namespace pgweir::simulation {

class ExpressionParser {
 public:
  explicit ExpressionParser(LexemeCursor& in) : in_(in) {}
  ExpressionPtr parse();
  std::vector<ExpressionPtr> parse_list();  // up to the closing parenthesis, which it takes
  Oid parse_type();

 private:
  ExpressionPtr binary(int level);
  ExpressionPtr tested();
  ExpressionPtr converted();
  ExpressionPtr primary();
  ExpressionPtr word();
  ExpressionPtr call(std::string name, std::size_t position);

  LexemeCursor& in_;
};

}  // namespace pgweir::simulation
