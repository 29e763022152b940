#include "tests/simulation/model/select_rows.hpp"

#include <algorithm>

#include "tests/simulation/model/tables.hpp"
#include "tests/simulation/model/transaction.hpp"

namespace pgweir::simulation {

SelectRows::SelectRows(SessionState& state, const Select& select, const std::vector<Value>& parameters,
                       Replay& replay)
    : select_(select), replay_(replay), evaluator_(state, parameters, replay) {
  const std::uint64_t snapshot = TransactionControl(state).snapshot();
  counts_ = std::any_of(select.items.begin(), select.items.end(), [](const SelectItem& item) {
    return item.expression->kind == Expression::Kind::count_all;
  });
  if (counts_ && select.items.size() != 1) not_understood("count(*) beside other columns");
  if (select.from.kind == FromItem::Kind::none) end_ = 1;
  if (select.from.kind == FromItem::Kind::series) {
    const std::optional<std::int64_t> first = number(*select.from.first);
    const std::optional<std::int64_t> last = number(*select.from.last);
    first_ = first.value_or(0);
    end_ = first && last && *last >= *first ? *last - *first + 1 : 0;
  }
  if (select.from.kind == FromItem::Kind::table) {
    Tables tables(state);
    const Relation& relation = tables.open(select.from.table, LockMode::shared);
    if (relation.sequence) not_understood("SELECT from a sequence");
    rows_ = tables.read(relation, snapshot);
    end_ = static_cast<std::int64_t>(rows_.size());
    for (const TableColumn& column : relation.columns) {
      names_.push_back(column.name);
      types_.push_back(column.type);
    }
    if (!select.order_by.empty()) sort(select.order_by);
  }
  if (select.limit) left_ = number(*select.limit).value_or(-1);
}

std::optional<std::int64_t> SelectRows::number(const Expression& expression) {
  const Value value = evaluator_.evaluate(expression);
  if (!value) return std::nullopt;
  return std::stoll(*value);
}

void SelectRows::sort(const std::string& column) {
  const auto found = std::find(names_.begin(), names_.end(), column);
  if (found == names_.end()) not_understood("this ORDER BY");
  const auto place = static_cast<std::size_t>(found - names_.begin());
  const bool numbers = is_number(types_[place]);
  std::stable_sort(rows_.begin(), rows_.end(), [&](const Row& a, const Row& b) {
    if (!a[place] || !b[place]) return a[place].has_value() && !b[place].has_value();
    return numbers ? std::stoll(*a[place]) < std::stoll(*b[place]) : *a[place] < *b[place];
  });
}

bool SelectRows::take_source(Row& row) {
  if (at_ == end_) return false;
  row.clear();
  if (select_.from.kind == FromItem::Kind::series) row.emplace_back(std::to_string(first_ + at_));
  if (select_.from.kind == FromItem::Kind::table) row = rows_[static_cast<std::size_t>(at_)];
  return true;
}

bool SelectRows::next(Row& out) {
  if (counts_) return count(out);
  if (left_ == 0) return false;
  Row source;
  while (take_source(source)) {
    replay_.rewind();
    evaluator_.set_row(source);
    const bool chosen = !select_.where || evaluator_.is_true(*select_.where);
    out.clear();
    if (chosen) {
      for (const SelectItem& item : select_.items) out.push_back(evaluator_.evaluate(*item.expression));
    }
    ++at_;
    replay_.forget();
    if (!chosen) continue;
    if (left_ > 0) --left_;
    return true;
  }
  return false;
}

bool SelectRows::count(Row& out) {
  if (left_ == 0) return false;
  left_ = 0;
  std::int64_t found = 0;
  Row source;
  for (; take_source(source); ++at_) {
    evaluator_.set_row(source);
    if (!select_.where || evaluator_.is_true(*select_.where)) ++found;
  }
  out = {std::to_string(found)};
  return true;
}

void plan_select(SessionState& state, Select& select, const std::vector<Value>& parameters,
                 bool with_parameters) {
  const auto fold = [&](ExpressionPtr& expression) {
    if (expression) fold_constants(state, *expression, parameters, with_parameters);
  };
  for (SelectItem& item : select.items) fold(item.expression);
  fold(select.from.first);
  fold(select.from.last);
  fold(select.where);
  fold(select.limit);
}

}  // namespace pgweir::simulation
