#include "tests/simulation/model/analysis.hpp"

#include <algorithm>

#include "tests/simulation/model/functions.hpp"
#include "tests/simulation/model/setting_commands.hpp"
#include "tests/simulation/model/tables.hpp"
#include "tests/simulation/model/transaction.hpp"

namespace pgweir::simulation {
namespace {

using Kind = Expression::Kind;

// FigureColname()
std::string column_name(const Expression& e) {
  switch (e.kind) {
    case Kind::column:
      return e.text.substr(e.text.find('.') + 1);
    case Kind::call:
    case Kind::keyword:
    case Kind::coalesce:
    case Kind::count_all:
    case Kind::array:
      return e.kind == Kind::array ? "array" : e.text;
    case Kind::cast: {
      const std::string inner = column_name(*e.arguments[0]);
      return inner == "?column?" || e.arguments[0]->kind == Kind::literal
                 ? std::string(short_name_of_type(e.type))
                 : inner;
    }
    default:
      return "?column?";
  }
}

}  // namespace

// analyze_requires_snapshot()
Analysed Analyser::analyse(Statement& statement) {
  const bool is_query = statement.as<Select>() || statement.as<Insert>() || statement.as<Delete>() ||
                        statement.as<StateQuestion>() || statement.as<FixedQuestion>();
  if (is_query) TransactionControl(s_).snapshot();
  if (auto* const select = std::get_if<Select>(&statement.node)) {
    ResultColumns columns = analyse_select(*select);
    return {std::move(columns), true};
  }
  if (auto* const insert = std::get_if<Insert>(&statement.node)) {
    analyse_insert(*insert);
    return {};
  }
  if (auto* const remove = std::get_if<Delete>(&statement.node)) {
    analyse_delete(*remove);
    return {};
  }
  return analyse_utility(statement);
}

// What utilities do is looked at when they run; only the shape of their rows is known before.
Analysed Analyser::analyse_utility(Statement& statement) {
  if (const auto* const show = statement.as<Show>()) {
    const SettingCommands settings(s_);
    if (!settings.shown(show->name))
      fail("42704", "unrecognized configuration parameter \"" + show->name + '"');
    return {{{settings.spelled(show->name)}}, true};
  }
  if (const auto* const execute = statement.as<Execute>()) {
    const auto found = s_.prepared.find(execute->name);
    if (found == s_.prepared.end()) return {};
    return {found->second.columns, found->second.returns_rows};
  }
  if (const auto* const fetch = statement.as<Fetch>()) {
    const auto found = s_.portals.find(fetch->name);
    if (found == s_.portals.end() || fetch->move) return {};
    return {found->second->columns, true};
  }
  if (const auto* const declare = statement.as<DeclareCursor>()) {
    analyse(*declare->select);
    return {};
  }
  if (const auto* const state = statement.as<StateQuestion>()) {
    for (const StatePart& part : state->parts) {
      if (part.name && part.kind == StatePart::Kind::name) analyse_value(*part.name, type::text, "name");
    }
    if (state->about_array) {
      if (parameters_.types.empty()) parameters_.types.push_back(type::text_array);
    }
    return {{{"name"}, {"value"}}, true};
  }
  if (const auto* const fixed = statement.as<FixedQuestion>()) return {fixed->columns, true};
  return {};
}

ResultColumns Analyser::analyse_select(Select& select) {
  open_scope(select.from);
  expand_star(select);
  ResultColumns columns;
  for (SelectItem& item : select.items) {
    Expression& e = *item.expression;
    visit(e);
    if (e.type == type::unknown) coerce(e, type::text, Context::implicit);
    ResultColumn column{item.alias.empty() ? column_name(e) : item.alias, e.type};
    if (e.kind == Kind::column) {
      column.table = scope_[e.number].table;
      column.attribute = scope_[e.number].attribute;
    }
    columns.push_back(std::move(column));
  }
  if (select.where) analyse_where(*select.where);
  if (select.limit) {
    visit(*select.limit);
    if (!coerce(*select.limit, type::int8, Context::assignment)) not_understood("this LIMIT");
  }
  if (select.order_by.empty()) return columns;
  const bool known = std::any_of(scope_.begin(), scope_.end(),
                                 [&](const ScopeColumn& column) { return column.name == select.order_by; });
  if (!known) fail("42703", "column \"" + select.order_by + "\" does not exist", select.order_position);
  return columns;
}

void Analyser::open_scope(FromItem& from) {
  scope_name_ = from.alias;
  if (from.kind == FromItem::Kind::series) {
    for (Expression* const bound : {from.first.get(), from.last.get()}) {
      visit(*bound);
      if (!coerce(*bound, type::int4, Context::implicit)) not_understood("this generate_series");
    }
    scope_.push_back({from.alias, type::int4, 0, 0});
  }
  if (from.kind == FromItem::Kind::table) {
    const Relation& relation = Tables(s_).open(from.table, LockMode::shared);
    for (const TableColumn& column : relation.columns)
      scope_.push_back({column.name, column.type, relation.oid, column.attribute});
  }
}

void Analyser::expand_star(Select& select) {
  std::vector<SelectItem> items;
  for (SelectItem& item : select.items) {
    if (item.expression) {
      items.push_back(std::move(item));
      continue;
    }
    if (select.from.kind == FromItem::Kind::none)
      fail("42601", "SELECT * with no tables specified is not valid");
    for (const ScopeColumn& column : scope_) {
      auto made = std::make_unique<Expression>();
      made->kind = Kind::column;
      made->text = column.name;
      items.push_back({std::move(made), {}});
    }
  }
  select.items = std::move(items);
}

void Analyser::analyse_where(Expression& where) {
  visit(where);
  if (coerce(where, type::boolean, Context::implicit)) return;
  fail("42804", "argument of WHERE must be type boolean, not type " + std::string(name_of_type(where.type)),
       where.position);
}

void Analyser::analyse_insert(Insert& insert) {
  const Relation& relation = Tables(s_).open(insert.table, LockMode::shared);
  std::vector<ColumnDefinition> targets;
  if (insert.columns.empty()) {
    for (const TableColumn& column : relation.columns) targets.push_back({column.name, column.type});
  }
  for (const std::string& name : insert.columns) {
    const auto column = std::find_if(relation.columns.begin(), relation.columns.end(),
                                     [&](const TableColumn& c) { return c.name == name; });
    if (column == relation.columns.end()) not_understood("INSERT into a column that is not there");
    targets.push_back({name, column->type});
  }
  if (insert.select) {
    static_cast<void>(analyse_select(*insert.select));
    if (insert.select->items.size() > targets.size())
      fail("42601", "INSERT has more expressions than target columns",
           insert.select->items[targets.size()].expression->position);
    for (std::size_t i = 0; i < insert.select->items.size(); ++i)
      assign(*insert.select->items[i].expression, targets[i]);
  }
  for (auto& row : insert.values) {
    if (row.size() > targets.size())
      fail("42601", "INSERT has more expressions than target columns", row[targets.size()]->position);
    if (!insert.columns.empty() && row.size() < targets.size())
      not_understood("INSERT with too few expressions");
    for (std::size_t i = 0; i < row.size(); ++i) {
      visit(*row[i]);
      assign(*row[i], targets[i]);
    }
  }
}

void Analyser::analyse_delete(Delete& remove) {
  const Relation& relation = Tables(s_).open(remove.table, LockMode::shared);
  scope_name_ = relation.name;
  for (const TableColumn& column : relation.columns)
    scope_.push_back({column.name, column.type, relation.oid, column.attribute});
  if (remove.where) analyse_where(*remove.where);
}

void Analyser::assign(Expression& expression, const ColumnDefinition& column) {
  if (coerce(expression, column.type, Context::assignment)) return;
  throw SqlError{.code = "42804",
                 .message = "column \"" + column.name + "\" is of type " +
                            std::string(name_of_type(column.type)) + " but expression is of type " +
                            std::string(name_of_type(expression.type)),
                 .position = expression.position,
                 .hint = "You will need to rewrite or cast the expression."};
}

void Analyser::analyse_value(Expression& expression, Oid target, const std::string& what) {
  visit(expression);
  if (coerce(expression, target, Context::assignment)) return;
  throw SqlError{.code = "42804",
                 .message = what + " of type " + std::string(name_of_type(expression.type)) +
                            " cannot be coerced to the expected type " + std::string(name_of_type(target)),
                 .position = expression.position,
                 .hint = "You will need to rewrite or cast the expression."};
}

}  // namespace pgweir::simulation
