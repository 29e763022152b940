#include "tests/simulation/model/command_parser.hpp"

#include <utility>

#include "tests/simulation/model/expression_parser.hpp"
#include "tests/simulation/model/own_questions.hpp"
#include "tests/simulation/model/select_parser.hpp"
#include "tests/simulation/model/setting_parser.hpp"
#include "tests/simulation/model/table_parser.hpp"

namespace pgweir::simulation {

using Verb = TransactionCommand::Verb;

void CommandParser::parse(Statement& out) {
  const bool known = parse_transaction(out) || parse_data(out) || parse_prepared(out) || parse_cursor(out) ||
                     parse_channel(out);
  if (known) return;
  if (in_.sees("set")) return parse_set(in_, out);
  if (in_.sees("reset")) return parse_reset(in_, out);
  if (in_.take("show")) {
    out.node = Show{in_.take("time", "zone")               ? "timezone"
                    : in_.take("session", "authorization") ? "session_authorization"
                    : in_.take("transaction", "isolation") ? (in_.expect("level"), "transaction_isolation")
                                                           : parse_setting_name(in_)};
    return;
  }
  if (in_.take("discard")) {
    out.node = parse_discard();
    return;
  }
  if (!in_.take("alter")) in_.refuse();
  if (in_.sees("table")) return parse_alter_table(in_, out);
  out.node = parse_alter_defaults(in_);
}

bool CommandParser::parse_transaction(Statement& out) {
  TransactionCommand command;
  if (in_.take("start", "transaction")) {
    command.verb = Verb::start;
    command.modes = parse_transaction_modes(in_);
  } else if (in_.take("begin")) {
    if (!in_.take("work")) in_.take("transaction");
    command.modes = parse_transaction_modes(in_);
  } else if (in_.take("commit") || in_.take("end")) {
    command.verb = Verb::commit;
    if (!in_.take("work")) in_.take("transaction");
    command.chain = in_.take("and", "chain");
  } else if (in_.take("rollback") || in_.take("abort")) {
    command = parse_rollback();
  } else if (in_.take("savepoint")) {
    command.verb = Verb::savepoint;
    command.savepoint = in_.expect_name();
  } else if (in_.take("release")) {
    command.verb = Verb::release;
    in_.take("savepoint");
    command.savepoint = in_.expect_name();
  } else {
    return false;
  }
  out.node = std::move(command);
  return true;
}

TransactionCommand CommandParser::parse_rollback() {
  TransactionCommand command;
  command.verb = Verb::rollback;
  if (!in_.take("work")) in_.take("transaction");
  command.chain = in_.take("and", "chain");
  if (in_.take("to")) {
    command.verb = Verb::rollback_to;
    in_.take("savepoint");
    command.savepoint = in_.expect_name();
  }
  return command;
}

bool CommandParser::parse_data(Statement& out) {
  if (in_.sees("select")) {
    out.node = parse_select(in_);
  } else if (in_.sees("insert")) {
    out.node = parse_insert(in_);
  } else if (in_.sees("delete")) {
    out.node = parse_delete(in_);
  } else if (in_.sees("truncate")) {
    out.node = parse_truncate(in_);
  } else if (in_.sees("copy")) {
    out.node = parse_copy(in_);
  } else if (in_.sees("create")) {
    parse_create(in_, out);
  } else if (in_.sees("drop")) {
    parse_drop(in_, out);
  } else {
    return false;
  }
  return true;
}

bool CommandParser::parse_prepared(Statement& out) {
  if (in_.take("prepare")) {
    out.node = parse_prepare();
  } else if (in_.take("execute")) {
    Execute execute{in_.expect_name(), {}};
    if (in_.take_symbol("(")) execute.arguments = ExpressionParser(in_).parse_list();
    out.node = std::move(execute);
  } else if (in_.take("deallocate")) {
    in_.take("prepare");
    const bool all = in_.take("all");
    out.node = Deallocate{all ? std::string() : in_.expect_name(), all};
  } else {
    return false;
  }
  return true;
}

Prepare CommandParser::parse_prepare() {
  Prepare prepare;
  prepare.name = in_.expect_name();
  if (in_.take_symbol("(")) {
    do {
      prepare.types.push_back(ExpressionParser(in_).parse_type());
    } while (in_.take_symbol(","));
    in_.expect_symbol(")");
  }
  in_.expect("as");
  const std::size_t begin = in_.offset();
  prepare.body = std::make_shared<Statement>();
  if (!take_own_question(in_, *prepare.body) && !parse_data(*prepare.body)) in_.refuse();
  prepare.body->text = in_.text().substr(begin, in_.last_end() - begin);
  prepare.body->offset = begin;
  return prepare;
}

Discard CommandParser::parse_discard() {
  if (in_.take("all")) return {Discard::What::all};
  if (in_.take("plans")) return {Discard::What::plans};
  if (in_.take("sequences")) return {Discard::What::sequences};
  if (!in_.take("temporary")) in_.expect("temp");
  return {Discard::What::temp};
}

bool CommandParser::parse_cursor(Statement& out) {
  if (in_.take("declare")) {
    out.node = parse_declare();
  } else if (in_.sees("fetch") || in_.sees("move")) {
    out.node = parse_fetch();
  } else if (in_.take("close")) {
    const bool all = in_.take("all");
    out.node = CloseCursor{all ? std::string() : in_.expect_name(), all};
  } else {
    return false;
  }
  return true;
}

DeclareCursor CommandParser::parse_declare() {
  DeclareCursor declare;
  declare.name = in_.expect_name();
  in_.take("no", "scroll");
  in_.expect("cursor");
  declare.hold = in_.take("with", "hold");
  if (!declare.hold) in_.take("without", "hold");
  in_.expect("for");
  declare.select = parse_select_statement(in_);
  return declare;
}

Fetch CommandParser::parse_fetch() {
  Fetch fetch;
  fetch.move = in_.next().text == "move";
  const bool forward = in_.take("forward");
  if (in_.peek().kind == Lexeme::Kind::number) {
    fetch.count = in_.expect_number();
    if (*fetch.count == 0) in_.refuse();
  } else if (in_.take("all")) {
    fetch.count.reset();
  } else if (!forward) {
    in_.take("next");
  }
  if (!in_.take("from")) in_.take("in");
  fetch.name = in_.expect_name();
  return fetch;
}

bool CommandParser::parse_channel(Statement& out) {
  if (in_.take("listen")) {
    out.node = Listen{in_.expect_name()};
  } else if (in_.take("unlisten")) {
    out.node = Unlisten{in_.take_symbol("*") ? std::string() : in_.expect_name()};
  } else if (in_.take("notify")) {
    Notify notify{in_.expect_name(), {}};
    if (in_.take_symbol(",")) notify.payload = in_.expect_string();
    out.node = std::move(notify);
  } else {
    return false;
  }
  return true;
}

}  // namespace pgweir::simulation
