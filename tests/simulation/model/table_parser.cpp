#include "tests/simulation/model/table_parser.hpp"

#include "tests/simulation/model/expression_parser.hpp"
#include "tests/simulation/model/select_parser.hpp"

namespace pgweir::simulation {
namespace {

ColumnDefinition parse_column(LexemeCursor& in) {
  ColumnDefinition column;
  column.name = in.expect_name();
  column.type = ExpressionParser(in).parse_type();
  return column;
}

bool take_if_not_exists(LexemeCursor& in) {
  if (!in.take("if", "not")) return false;
  in.expect("exists");
  return true;
}

CreateRelation::OnCommit parse_on_commit(LexemeCursor& in) {
  if (!in.take("on", "commit")) return CreateRelation::OnCommit::keep;
  if (in.take("drop")) return CreateRelation::OnCommit::drop;
  if (in.take("delete", "rows")) return CreateRelation::OnCommit::remove_rows;
  in.expect("preserve");
  in.expect("rows");
  return CreateRelation::OnCommit::keep;
}

CreateRelation parse_create_relation(LexemeCursor& in) {
  CreateRelation create;
  create.temporary = in.take("temp") || in.take("temporary");
  create.sequence = in.take("sequence");
  if (!create.sequence) in.expect("table");
  create.if_not_exists = take_if_not_exists(in);
  create.name = parse_object_name(in);
  if (create.sequence) return create;
  in.expect_symbol("(");
  if (!in.take_symbol(")")) {
    do {
      create.columns.push_back(parse_column(in));
    } while (in.take_symbol(","));
    in.expect_symbol(")");
  }
  create.on_commit = parse_on_commit(in);
  return create;
}

}  // namespace

void parse_create(LexemeCursor& in, Statement& out) {
  in.expect("create");
  if (!in.take("schema")) {
    out.node = parse_create_relation(in);
    return;
  }
  CreateSchema create;
  create.if_not_exists = take_if_not_exists(in);
  create.name = in.expect_name();
  out.node = std::move(create);
}

void parse_drop(LexemeCursor& in, Statement& out) {
  in.expect("drop");
  DropRelation drop;
  drop.sequence = in.take("sequence");
  if (!drop.sequence) in.expect("table");
  drop.if_exists = in.take("if", "exists");
  drop.name = parse_object_name(in);
  out.node = std::move(drop);
}

void parse_alter_table(LexemeCursor& in, Statement& out) {
  in.expect("table");
  AlterTable alter;
  alter.name = parse_object_name(in);
  if (in.take("add")) {
    in.take("column");
    alter.column = parse_column(in);
  } else if (in.take("drop")) {
    in.take("column");
    alter.action = AlterTable::Action::drop_column;
    alter.column.name = in.expect_name();
  } else {
    in.expect("alter");
    in.take("column");
    alter.action = AlterTable::Action::alter_type;
    alter.column.name = in.expect_name();
    if (in.take("set")) in.expect("data");
    in.expect("type");
    alter.column.type = ExpressionParser(in).parse_type();
    alter.has_using = in.take("using");
    if (alter.has_using) {
      const ExpressionPtr how = ExpressionParser(in).parse();
      const bool is_cast = how->kind == Expression::Kind::cast && how->type == alter.column.type &&
                           how->arguments[0]->kind == Expression::Kind::column &&
                           how->arguments[0]->text == alter.column.name;
      if (!is_cast) in.refuse();
    }
  }
  out.node = std::move(alter);
}

Insert parse_insert(LexemeCursor& in) {
  Insert insert;
  in.expect("insert");
  in.expect("into");
  insert.table = parse_object_name(in);
  if (in.take_symbol("(")) {
    do {
      insert.columns.push_back(in.expect_name());
    } while (in.take_symbol(","));
    in.expect_symbol(")");
  }
  if (in.sees("select")) {
    insert.select = std::make_unique<Select>(parse_select(in));
    return insert;
  }
  in.expect("values");
  do {
    in.expect_symbol("(");
    insert.values.push_back(ExpressionParser(in).parse_list());
  } while (in.take_symbol(","));
  return insert;
}

Delete parse_delete(LexemeCursor& in) {
  Delete remove;
  in.expect("delete");
  in.expect("from");
  remove.table = parse_object_name(in);
  if (in.take("where")) remove.where = ExpressionParser(in).parse();
  return remove;
}

Truncate parse_truncate(LexemeCursor& in) {
  in.expect("truncate");
  in.take("table");
  return {parse_object_name(in)};
}

CopyCommand parse_copy(LexemeCursor& in) {
  CopyCommand copy;
  in.expect("copy");
  if (in.take_symbol("(")) {
    copy.select = parse_select_statement(in);
    in.expect_symbol(")");
  } else {
    copy.table = parse_object_name(in);
    copy.table.position = 0;  // errors of COPY have none
  }
  copy.in = in.take("from", "stdin");
  if (!copy.in) {
    in.expect("to");
    in.expect("stdout");
  }
  if (copy.in && copy.select) in.refuse();
  return copy;
}

}  // namespace pgweir::simulation
