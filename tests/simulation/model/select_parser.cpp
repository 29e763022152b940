#include "tests/simulation/model/select_parser.hpp"

#include "tests/simulation/model/expression_parser.hpp"

namespace pgweir::simulation {
namespace {

bool may_be_alias(const LexemeCursor& in) {
  if (in.peek().kind == Lexeme::Kind::name) return true;
  if (in.peek().kind != Lexeme::Kind::word) return false;
  for (const std::string_view word : {"from", "where", "order", "limit", "union", "group", "for", "offset"}) {
    if (in.sees(word)) return false;
  }
  return true;
}

SelectItem parse_item(LexemeCursor& in) {
  SelectItem item;
  if (in.take_symbol("*")) return item;
  item.expression = ExpressionParser(in).parse();
  if (in.take("as") || may_be_alias(in)) item.alias = in.expect_name();
  return item;
}

FromItem parse_from(LexemeCursor& in) {
  FromItem from;
  if ((in.sees("generate_series") && in.sees_symbol("(", 1))) {
    in.next();
    in.next();
    from.kind = FromItem::Kind::series;
    from.alias = "generate_series";
    from.first = ExpressionParser(in).parse();
    in.expect_symbol(",");
    from.last = ExpressionParser(in).parse();
    in.expect_symbol(")");
  } else {
    from.kind = FromItem::Kind::table;
    from.table = parse_object_name(in);
    from.alias = from.table.name;
  }
  if (in.take("as") || may_be_alias(in)) from.alias = in.expect_name();
  return from;
}

}  // namespace

ObjectName parse_object_name(LexemeCursor& in) {
  ObjectName name;
  name.position = in.position();
  name.name = in.expect_name();
  if (in.take_symbol(".")) {
    name.schema = std::move(name.name);
    name.name = in.expect_name();
  }
  return name;
}

Select parse_select(LexemeCursor& in) {
  Select select;
  in.expect("select");
  do {
    select.items.push_back(parse_item(in));
  } while (in.take_symbol(","));
  if (in.take("from")) select.from = parse_from(in);
  if (in.take("where")) select.where = ExpressionParser(in).parse();
  if (in.take("order", "by")) {
    select.order_position = in.position();
    select.order_by = in.expect_name();
  }
  if (in.take("limit")) select.limit = ExpressionParser(in).parse();
  return select;
}

StatementPtr parse_select_statement(LexemeCursor& in) {
  const std::size_t begin = in.offset();
  auto statement = std::make_shared<Statement>();
  statement->node = parse_select(in);
  statement->text = in.text().substr(begin, in.last_end() - begin);
  return statement;
}

}  // namespace pgweir::simulation
