#include "tests/simulation/model/setting_parser.hpp"

#include <utility>

namespace pgweir::simulation {
namespace {

std::string isolation_level(LexemeCursor& in) {
  if (in.take("serializable")) return "serializable";
  if (in.take("repeatable", "read")) return "repeatable read";
  if (in.take("read", "committed")) return "read committed";
  if (in.take("read", "uncommitted")) return "read uncommitted";
  in.refuse();
}

bool take_mode(LexemeCursor& in, std::vector<TransactionMode>& modes) {
  if (in.take("isolation", "level")) {
    modes.push_back({"transaction_isolation", isolation_level(in)});
  } else if (in.take("read", "only")) {
    modes.push_back({"transaction_read_only", "on"});
  } else if (in.take("read", "write")) {
    modes.push_back({"transaction_read_only", "off"});
  } else if (in.take("not", "deferrable")) {
    modes.push_back({"transaction_deferrable", "off"});
  } else if (in.take("deferrable")) {
    modes.push_back({"transaction_deferrable", "on"});
  } else {
    return false;
  }
  return true;
}

std::string parse_value(LexemeCursor& in) {
  const bool negative = in.take_symbol("-");
  if (!negative) in.take_symbol("+");
  const Lexeme& lexeme = in.next();
  const bool is_value = lexeme.kind == Lexeme::Kind::word || lexeme.kind == Lexeme::Kind::name ||
                        lexeme.kind == Lexeme::Kind::string || lexeme.kind == Lexeme::Kind::number;
  if (!is_value || (negative && lexeme.kind != Lexeme::Kind::number)) in.refuse();
  return (negative ? "-" : "") + lexeme.text;
}

void parse_values(LexemeCursor& in, SetCommand& command) {
  if (in.take("default")) {
    command.kind = SetCommand::Kind::set_default;
    return;
  }
  do {
    command.values.push_back(parse_value(in));
  } while (in.take_symbol(","));
}

// ROLE, SESSION AUTHORIZATION, TIME ZONE and NAMES have a grammar of their own.
bool take_special(LexemeCursor& in, SetCommand& command) {
  if (in.sees("role") && !in.sees_symbol("=", 1) && !in.sees("to", 1)) {
    in.next();
    command.name = "role";
    command.values = {in.take("none") ? "none" : parse_value(in)};
  } else if (in.take("session", "authorization")) {
    command.name = "session_authorization";
    parse_values(in, command);
  } else if (in.take("time", "zone")) {
    command.name = "timezone";
    if (in.take("local")) {
      command.kind = SetCommand::Kind::set_default;
    } else {
      parse_values(in, command);
    }
  } else if (in.take("names")) {
    command.name = "client_encoding";
    parse_values(in, command);
  } else {
    return false;
  }
  return true;
}

void parse_assignment(LexemeCursor& in, SetCommand& command) {
  if (take_special(in, command)) return;
  command.name = parse_setting_name(in);
  if (!in.take_symbol("=")) in.expect("to");
  parse_values(in, command);
}

void parse_what_to_reset(LexemeCursor& in, SetCommand& command) {
  command.kind = SetCommand::Kind::reset;
  if (in.take("all")) {
    command.kind = SetCommand::Kind::reset_all;
  } else if (in.take("session", "authorization")) {
    command.name = "session_authorization";
  } else if (in.take("time", "zone")) {
    command.name = "timezone";
  } else {
    command.name = parse_setting_name(in);
  }
}

}  // namespace

std::string parse_setting_name(LexemeCursor& in) {
  std::string name = in.expect_name();
  while (in.take_symbol(".")) name += '.' + in.expect_name();
  return name;
}

std::vector<TransactionMode> parse_transaction_modes(LexemeCursor& in) {
  std::vector<TransactionMode> modes;
  while (take_mode(in, modes)) in.take_symbol(",");
  return modes;
}

void parse_set(LexemeCursor& in, Statement& out) {
  in.expect("set");
  SetCommand command;
  if (in.sees("session") && in.sees("characteristics", 1)) {
    in.next();
    in.next();
    in.expect("as");
    in.expect("transaction");
    out.node = SetTransaction{true, parse_transaction_modes(in)};
    return;
  }
  if (in.take("local")) {
    command.local = true;
  } else if (in.sees("session") && !in.sees("authorization", 1)) {
    in.next();
  }
  if (in.sees("transaction") && !in.sees_symbol("=", 1)) {
    in.next();
    out.node = SetTransaction{false, parse_transaction_modes(in)};
    return;
  }
  parse_assignment(in, command);
  out.node = std::move(command);
}

void parse_reset(LexemeCursor& in, Statement& out) {
  in.expect("reset");
  SetCommand command;
  parse_what_to_reset(in, command);
  out.node = std::move(command);
}

AlterDefaults parse_alter_defaults(LexemeCursor& in) {
  AlterDefaults alter;
  const bool of_database = in.take("database");
  if (!of_database && !in.take("user")) in.expect("role");
  if (of_database) {
    alter.database = in.expect_name();
  } else if (!in.take("all")) {
    alter.role = in.expect_name();
  }
  if (!of_database && in.take("in", "database")) alter.database = in.expect_name();
  if (in.take("reset")) {
    parse_what_to_reset(in, alter.change);
  } else {
    in.expect("set");
    parse_assignment(in, alter.change);
  }
  return alter;
}

}  // namespace pgweir::simulation
