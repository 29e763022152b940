#include "tests/simulation/model/evaluation.hpp"

#include "tests/simulation/model/functions.hpp"
#include "tests/simulation/model/instants.hpp"

namespace pgweir::simulation {
namespace {

using Kind = Expression::Kind;

std::int64_t number_of(const std::string& text) {
  return std::stoll(text);
}

std::string arithmetic(const Expression& e, std::int64_t a, std::int64_t b) {
  const char op = e.text[0];
  if ((op == '/' || op == '%') && b == 0) fail("22012", "division by zero");
  std::int64_t result = 0;
  switch (op) {
    case '+':
      result = a + b;
      break;
    case '-':
      result = a - b;
      break;
    case '*':
      if (e.type == type::int8 && (a > 3000000000 || b > 3000000000)) not_understood("a large product");
      result = a * b;
      break;
    case '/':
      result = a / b;
      break;
    default:
      result = a % b;
  }
  const bool fits = e.type == type::int8 || (result >= -2147483648LL && result <= 2147483647LL);
  if (!fits) fail("22003", "integer out of range");
  return std::to_string(result);
}

bool compares(std::string_view op, int order) {
  if (op == "=") return order == 0;
  if (op == "<>") return order != 0;
  if (op == "<") return order < 0;
  if (op == ">") return order > 0;
  return op == "<=" ? order <= 0 : order >= 0;
}

bool is_constant(const Expression& e, bool with_parameters) {
  return e.kind == Kind::literal || (e.kind == Kind::parameter && with_parameters);
}

}  // namespace

Value Evaluator::evaluate(const Expression& e) {
  switch (e.kind) {
    case Kind::literal:
      return e.null ? Value() : Value(e.text);
    case Kind::parameter:
      return parameters_.at(e.number - 1);
    case Kind::column:
      return row_->at(e.number);
    case Kind::keyword:
      return e.text == "session_user" ? s_.identity.session_user() : s_.identity.current_user();
    case Kind::call:
      return call(e);
    case Kind::binary:
      return binary(e);
    case Kind::cast: {
      const Value value = evaluate(*e.arguments[0]);
      if (!value) return value;
      const bool from_boolean = e.arguments[0]->type == type::boolean && e.type == type::text;
      if (from_boolean) return *value == "t" ? "true" : "false";
      return read_value(e.type, *value);
    }
    case Kind::is_null:
      return evaluate(*e.arguments[0]) ? "f" : "t";
    case Kind::is_not_null:
      return evaluate(*e.arguments[0]) ? "t" : "f";
    case Kind::array:
      return array(e);
    case Kind::coalesce:
      for (const ExpressionPtr& argument : e.arguments) {
        if (Value value = evaluate(*argument)) return value;
      }
      return std::nullopt;
    case Kind::instant:
      return write_instant(e.text, s_.settings.value("TimeZone"), s_.settings.value("DateStyle"));
    case Kind::count_all:
      not_understood("count(*) in an expression");
  }
  return std::nullopt;
}

Value Evaluator::call(const Expression& e) {
  const FunctionDefinition& function = function_definitions()[e.number];
  std::vector<Value> arguments;
  bool has_null = false;
  for (const ExpressionPtr& argument : e.arguments) {
    arguments.push_back(evaluate(*argument));
    has_null |= !arguments.back();
  }
  if (function.strict && has_null) return std::nullopt;
  if (!function.acts) return function.run(s_, arguments, replay_);
  return replay_.once([&] { return function.run(s_, arguments, replay_); });
}

Value Evaluator::binary(const Expression& e) {
  const Value left = evaluate(*e.arguments[0]);
  if (e.text == "and" || e.text == "or") {
    const std::string decides = e.text == "and" ? "f" : "t";
    if (left == decides) return left;
    const Value right = evaluate(*e.arguments[1]);
    if (right == decides) return right;
    return left && right ? left : Value();
  }
  const Value right = evaluate(*e.arguments[1]);
  if (!left || !right) return std::nullopt;
  if (e.text == "||") return *left + *right;
  const bool numbers = is_number(e.arguments[0]->type) && is_number(e.arguments[1]->type);
  if (e.type != type::boolean) return arithmetic(e, number_of(*left), number_of(*right));
  if (!numbers) return compares(e.text, left->compare(*right)) ? "t" : "f";
  const std::int64_t a = number_of(*left);
  const std::int64_t b = number_of(*right);
  return compares(e.text, a < b ? -1 : a > b ? 1 : 0) ? "t" : "f";
}

Value Evaluator::array(const Expression& e) {
  std::string text = "{";
  for (const ExpressionPtr& element : e.arguments) {
    const Value value = evaluate(*element);
    if (!value) not_understood("a null in an array");
    text += text.size() > 1 ? ",\"" : "\"";
    for (const char c : *value) text += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
    text += '"';
  }
  return text + '}';
}

std::vector<std::string> array_elements(const std::string& array) {
  std::vector<std::string> elements;
  bool quoted = false;
  for (std::size_t i = 1; i + 1 < array.size(); ++i) {
    const char c = array[i];
    if (c == '"') {
      quoted = !quoted;
      if (quoted) elements.emplace_back();
    } else if (quoted) {
      elements.back() += c == '\\' ? array[++i] : c;
    } else if (c != ',') {
      not_understood("array " + array);
    }
  }
  return elements;
}

void fold_constants(SessionState& state, Expression& e, const std::vector<Value>& parameters,
                    bool with_parameters) {
  bool constant = !e.arguments.empty();
  for (ExpressionPtr& argument : e.arguments) {
    fold_constants(state, *argument, parameters, with_parameters);
    constant = constant && is_constant(*argument, with_parameters);
  }
  const bool foldable = e.kind == Kind::binary || e.kind == Kind::cast;
  if (!constant || !foldable) return;
  Replay nothing;
  const Value value = Evaluator(state, parameters, nothing).evaluate(e);
  e.kind = Kind::literal;
  e.null = !value;
  e.text = value.value_or("");
  e.arguments.clear();
}

}  // namespace pgweir::simulation
