#include "tests/simulation/model/expression_parser.hpp"

#include <algorithm>
#include <utility>

#include "tests/simulation/model/sql_error.hpp"

namespace pgweir::simulation {
namespace {

using Kind = Expression::Kind;

ExpressionPtr make(Kind kind, std::string text, std::size_t position) {
  auto made = std::make_unique<Expression>();
  made->kind = kind;
  made->text = std::move(text);
  made->position = position;
  return made;
}

ExpressionPtr make(Kind kind, std::string text, std::size_t position, ExpressionPtr argument) {
  ExpressionPtr made = make(kind, std::move(text), position);
  made->arguments.push_back(std::move(argument));
  return made;
}

// From the loosest to the tightest; IS stands between the second and the third.
constexpr int levels = 6;
constexpr int comparison = 2;
bool belongs_to(int level, const Lexeme& lexeme) {
  const std::string& text = lexeme.text;
  if (level < comparison) {
    return lexeme.kind == Lexeme::Kind::word && text == (level == 0 ? "or" : "and");
  }
  if (lexeme.kind != Lexeme::Kind::symbol) return false;
  if (level == comparison) {
    return text == "=" || text == "<" || text == ">" || text == "<>" || text == "<=" || text == ">=";
  }
  if (level == 3) return text == "||";
  if (level == 4) return text == "+" || text == "-";
  return text == "*" || text == "/" || text == "%";
}

bool is_keyword(std::string_view word) {
  return word == "current_user" || word == "session_user" || word == "user" || word == "current_role";
}

}  // namespace

ExpressionPtr ExpressionParser::parse() {
  return binary(0);
}

std::vector<ExpressionPtr> ExpressionParser::parse_list() {
  std::vector<ExpressionPtr> list;
  if (in_.take_symbol(")")) return list;
  do {
    list.push_back(parse());
  } while (in_.take_symbol(","));
  in_.expect_symbol(")");
  return list;
}

ExpressionPtr ExpressionParser::binary(int level) {
  if (level == levels) return converted();
  const auto operand = [&] { return level == comparison - 1 ? tested() : binary(level + 1); };
  ExpressionPtr left = operand();
  while (belongs_to(level, in_.peek())) {
    const Lexeme& op = in_.next();
    ExpressionPtr both = make(Kind::binary, op.text, op.begin + 1, std::move(left));
    both->arguments.push_back(operand());
    left = std::move(both);
  }
  return left;
}

ExpressionPtr ExpressionParser::tested() {
  ExpressionPtr value = binary(comparison);
  while (in_.sees("is")) {
    const std::size_t position = in_.position();
    in_.next();
    const bool is_not = in_.take("not");
    in_.expect("null");
    value = make(is_not ? Kind::is_not_null : Kind::is_null, {}, position, std::move(value));
  }
  return value;
}

ExpressionPtr ExpressionParser::converted() {
  ExpressionPtr value = primary();
  while (in_.sees_symbol("::")) {
    const std::size_t position = in_.position();
    in_.next();
    ExpressionPtr cast = make(Kind::cast, {}, position, std::move(value));
    cast->type = parse_type();
    value = std::move(cast);
  }
  return value;
}

Oid ExpressionParser::parse_type() {
  if (in_.sees("pg_catalog") && in_.sees_symbol(".", 1)) {
    in_.next();
    in_.next();
  }
  std::string name = in_.expect_name();
  if (name == "double" && in_.take("precision")) name = "double precision";
  if (in_.take_symbol("[")) {
    in_.expect_symbol("]");
    name += "[]";
  }
  const std::optional<Oid> type = type_named(name);
  if (!type) in_.refuse();
  return *type;
}

ExpressionPtr ExpressionParser::primary() {
  const Lexeme& lexeme = in_.peek();
  const std::size_t position = in_.position();
  switch (lexeme.kind) {
    case Lexeme::Kind::string:
      return make(Kind::literal, in_.next().text, position);
    case Lexeme::Kind::number: {
      const std::string digits = in_.next().text;
      if (digits.find_first_not_of("0123456789.") != std::string::npos) in_.refuse();
      ExpressionPtr number = make(Kind::literal, digits, position);
      const bool whole = digits.find('.') == std::string::npos;
      if (digits.size() > 18) in_.refuse();
      number->type = !whole ? type::float8 : std::stoll(digits) > 2147483647 ? type::int8 : type::int4;
      return number;
    }
    case Lexeme::Kind::parameter: {
      ExpressionPtr parameter = make(Kind::parameter, {}, position);
      parameter->number = std::stoul(in_.next().text.substr(1));
      return parameter;
    }
    case Lexeme::Kind::symbol:
      break;
    default:
      return word();
  }
  if (in_.take_symbol("(")) {
    ExpressionPtr inner = parse();
    in_.expect_symbol(")");
    return inner;
  }
  if (in_.take_symbol("-")) {
    ExpressionPtr operand = converted();
    const bool plain = operand->kind == Kind::literal && operand->type == type::int4;
    if (!plain) in_.refuse();
    operand->text.insert(0, "-");
    operand->position = position;
    return operand;
  }
  in_.refuse();
}

ExpressionPtr ExpressionParser::word() {
  const std::size_t position = in_.position();
  if (in_.at_end()) in_.refuse();
  const bool quoted = in_.peek().kind == Lexeme::Kind::name;
  std::string name = in_.expect_name();
  if (!quoted && name == "null") {
    ExpressionPtr null = make(Kind::literal, {}, position);
    null->null = true;
    return null;
  }
  if (!quoted && (name == "true" || name == "false")) {
    ExpressionPtr made = make(Kind::literal, name == "true" ? "t" : "f", position);
    made->type = type::boolean;
    return made;
  }
  if (!quoted && is_keyword(name)) return make(Kind::keyword, std::move(name), position);
  if (!quoted && name == "cast") {
    in_.expect_symbol("(");
    ExpressionPtr cast = make(Kind::cast, {}, position, parse());
    in_.expect("as");
    cast->type = parse_type();
    in_.expect_symbol(")");
    return cast;
  }
  if (!quoted && name == "array" && in_.take_symbol("[")) {
    ExpressionPtr made = make(Kind::array, {}, position);
    if (in_.take_symbol("]")) return made;
    do {
      made->arguments.push_back(parse());
    } while (in_.take_symbol(","));
    in_.expect_symbol("]");
    return made;
  }
  if (!quoted && name == "timestamptz" && in_.peek().kind == Lexeme::Kind::string)
    return make(Kind::instant, in_.next().text, position);
  if (name == "pg_catalog" && in_.take_symbol(".")) name = in_.expect_name();
  if (in_.take_symbol("(")) return call(std::move(name), position);
  if (in_.take_symbol(".")) name += '.' + in_.expect_name();
  return make(Kind::column, std::move(name), position);
}

ExpressionPtr ExpressionParser::call(std::string name, std::size_t position) {
  if (name == "count" && in_.take_symbol("*")) {
    in_.expect_symbol(")");
    return make(Kind::count_all, std::move(name), position);
  }
  const Kind kind = name == "coalesce" ? Kind::coalesce : Kind::call;
  ExpressionPtr made = make(kind, std::move(name), position);
  made->arguments = parse_list();
  return made;
}

}  // namespace pgweir::simulation
