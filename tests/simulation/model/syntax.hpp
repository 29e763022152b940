// The statements that the model understands, as the parser hands them out. The analyser (analysis.hpp) fills
// in types and columns; every use of a statement has a tree of its own.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "tests/simulation/model/types.hpp"

namespace pgweir::simulation {

struct Expression;
using ExpressionPtr = std::unique_ptr<Expression>;

struct Expression {
  enum class Kind : std::uint8_t {
    literal,    // text or null; of type unknown, integer or boolean
    parameter,  // number
    column,     // text; number is its place in the source's row
    call,       // text, in lower case; arguments
    keyword,    // current_user and the like
    binary,     // text is the operator
    cast,       // to `type`
    is_null,
    is_not_null,
    array,
    coalesce,
    count_all,
    instant,  // timestamptz '...'; the text becomes one without a zone when it is analysed
  };
  Kind kind = Kind::literal;
  std::string text;
  bool null = false;
  std::size_t number = 0;
  std::vector<ExpressionPtr> arguments;
  std::size_t position = 0;  // in the text, from 1 on
  Oid type = type::unknown;
};

// A relation's name, perhaps with its schema.
struct ObjectName {
  std::string schema;
  std::string name;
  std::size_t position = 0;
  std::string display() const { return schema.empty() ? name : schema + "." + name; }
};

struct SelectItem {
  ExpressionPtr expression;  // null: *
  std::string alias;
};
struct FromItem {
  enum class Kind : std::uint8_t { none, table, series };
  Kind kind = Kind::none;
  ObjectName table;
  ExpressionPtr first, last;  // of generate_series
  std::string alias;
};
struct Select {
  std::vector<SelectItem> items;
  FromItem from;
  ExpressionPtr where;
  std::string order_by;  // a column of the source, or empty
  std::size_t order_position = 0;
  ExpressionPtr limit;
};

struct TransactionMode {
  std::string setting;  // transaction_isolation, transaction_read_only or transaction_deferrable
  std::string value;
};
struct TransactionCommand {
  enum class Verb : std::uint8_t { begin, start, commit, rollback, savepoint, release, rollback_to };
  Verb verb = Verb::begin;
  std::string savepoint;
  std::vector<TransactionMode> modes;
  bool chain = false;
};
struct SetTransaction {
  bool for_session = false;
  std::vector<TransactionMode> modes;
};

struct SetCommand {
  enum class Kind : std::uint8_t { set, set_default, reset, reset_all };
  Kind kind = Kind::set;
  bool local = false;
  std::string name;
  std::vector<std::string> values;
};
struct Show {
  std::string name;
};

struct Statement;
struct Prepare {
  std::string name;
  std::vector<Oid> types;
  std::shared_ptr<Statement> body;
};
struct Execute {
  std::string name;
  std::vector<ExpressionPtr> arguments;
};
struct Deallocate {
  std::string name;
  bool all = false;
};
struct Discard {
  enum class What : std::uint8_t { all, temp, plans, sequences };
  What what = What::all;
};

struct ColumnDefinition {
  std::string name;
  Oid type = type::text;
  bool operator==(const ColumnDefinition&) const = default;
};
struct CreateRelation {
  ObjectName name;
  bool sequence = false;
  bool temporary = false;
  bool if_not_exists = false;
  enum class OnCommit : std::uint8_t { keep, remove_rows, drop } on_commit = OnCommit::keep;
  std::vector<ColumnDefinition> columns;
};
struct CreateSchema {
  std::string name;
  bool if_not_exists = false;
};
struct DropRelation {
  ObjectName name;
  bool sequence = false;
  bool if_exists = false;
};
struct AlterTable {
  enum class Action : std::uint8_t { add_column, alter_type, drop_column };
  ObjectName name;
  Action action = Action::add_column;
  ColumnDefinition column;
  bool has_using = false;
};
struct Insert {
  ObjectName table;
  std::vector<std::string> columns;
  std::vector<std::vector<ExpressionPtr>> values;
  std::unique_ptr<Select> select;
};
struct Delete {
  ObjectName table;
  ExpressionPtr where;
};
struct Truncate {
  ObjectName table;
};

struct DeclareCursor {
  std::string name;
  bool hold = false;
  std::shared_ptr<Statement> select;
};
struct Fetch {
  std::string name;
  std::optional<std::size_t> count = 1;  // nullopt: all
  bool move = false;
};
struct CloseCursor {
  std::string name;
  bool all = false;
};

struct Listen {
  std::string channel;
};
struct Unlisten {
  std::string channel;  // empty: all
};
struct Notify {
  std::string channel;
  std::string payload;
};

struct CopyCommand {
  bool in = false;
  ObjectName table;                   // or:
  std::shared_ptr<Statement> select;  // COPY (SELECT ...) TO
};

// ALTER ROLE, ALTER DATABASE ... SET and RESET.
struct AlterDefaults {
  std::string role;
  std::string database;
  SetCommand change;
};

// One part of pgweir's own question about a session's state; see state_question.hpp.
struct StatePart {
  enum class Kind : std::uint8_t { settings, name, names, statements, pin };
  Kind kind = Kind::settings;
  std::vector<std::string> excluded;  // settings
  ExpressionPtr name;                 // name; names: an array
  bool listed = false;                // name: only where the session itself has set it
  std::string text;                   // pin: its name
};
struct StateQuestion {
  std::vector<StatePart> parts;
  bool about_array = false;  // the names are in $1
};
// A question whose answer does not depend on the session, see own_questions.hpp.
struct FixedQuestion {
  ResultColumns columns;
  bool about_role = false;  // one row about the session's user
};

struct Statement {
  std::variant<Select, TransactionCommand, SetTransaction, SetCommand, Show, Prepare, Execute, Deallocate,
               Discard, CreateRelation, CreateSchema, DropRelation, AlterTable, Insert, Delete, Truncate,
               DeclareCursor, Fetch, CloseCursor, Listen, Unlisten, Notify, CopyCommand, AlterDefaults,
               StateQuestion, FixedQuestion>
      node;
  std::string text;
  std::size_t offset = 0;  // of the text in the string that it came in

  template <typename Node>
  const Node* as() const {
    return std::get_if<Node>(&node);
  }
};
using StatementPtr = std::shared_ptr<Statement>;

}  // namespace pgweir::simulation
