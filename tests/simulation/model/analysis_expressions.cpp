// Types of expressions: the other half of Analyser.
#include <algorithm>

#include "tests/simulation/model/analysis.hpp"
#include "tests/simulation/model/functions.hpp"
#include "tests/simulation/model/instants.hpp"
#include "tests/simulation/model/sequences.hpp"

namespace pgweir::simulation {
namespace {

using Kind = Expression::Kind;

bool is_comparison(std::string_view op) {
  return op == "=" || op == "<" || op == ">" || op == "<>" || op == "<=" || op == ">=";
}

bool fits_implicitly(Oid from, Oid to) {
  if (from == to) return true;
  if (from == type::int4) return to == type::int8 || to == type::float8;
  if (from == type::int8) return to == type::float8;
  return from == type::name && to == type::text;
}

}  // namespace

void Analyser::visit(Expression& e) {
  switch (e.kind) {
    case Kind::literal:
      return;
    case Kind::parameter:
      return visit_parameter(e);
    case Kind::column:
      return visit_column(e);
    case Kind::call:
      return visit_call(e);
    case Kind::keyword:
      e.type = type::name;
      return;
    case Kind::binary:
      return visit_binary(e);
    case Kind::cast:
      return visit_cast(e);
    case Kind::is_null:
    case Kind::is_not_null:
      visit(*e.arguments[0]);
      if (e.arguments[0]->type == type::unknown) coerce(*e.arguments[0], type::text, Context::implicit);
      e.type = type::boolean;
      return;
    case Kind::array:
      return visit_array(e);
    case Kind::coalesce:
      for (ExpressionPtr& argument : e.arguments) {
        visit(*argument);
        if (!coerce(*argument, type::text, Context::implicit)) not_understood("this COALESCE");
      }
      e.type = type::text;
      return;
    case Kind::count_all:
      e.type = type::int8;
      return;
    case Kind::instant:
      return visit_instant(e);
  }
}

void Analyser::visit_column(Expression& e) {
  std::string name = e.text;
  const std::size_t dot = name.find('.');
  if (dot != std::string::npos) {
    if (name.substr(0, dot) != scope_name_ || scope_.empty())
      fail("42P01", "missing FROM-clause entry for table \"" + name.substr(0, dot) + '"', e.position);
    name = name.substr(dot + 1);
  }
  const auto found = std::find_if(scope_.begin(), scope_.end(),
                                  [&](const ScopeColumn& column) { return column.name == name; });
  if (found == scope_.end()) fail("42703", "column \"" + name + "\" does not exist", e.position);
  e.number = static_cast<std::size_t>(found - scope_.begin());
  e.type = found->type;
}

void Analyser::visit_parameter(Expression& e) {
  std::vector<Oid>& types = parameters_.types;
  const bool known = e.number >= 1 && e.number <= types.size();
  if (!known) {
    if (!parameters_.may_grow || e.number == 0 || e.number > 65535)
      fail("42P02", "there is no parameter $" + std::to_string(e.number), e.position);
    types.resize(e.number, type::unknown);
  }
  e.type = types[e.number - 1];
}

// Whether the expression has, or now gets, that type.
bool Analyser::coerce(Expression& e, Oid target, Context context) {
  if (e.type == type::unknown && e.kind == Kind::parameter) {
    Oid& declared = parameters_.types[e.number - 1];
    if (declared == type::unknown) declared = target;
    e.type = declared;
  }
  if (e.type == type::unknown && e.kind == Kind::literal) {
    if (!e.null) e.text = read_value(target, e.text, e.position);
    e.type = target;
  }
  if (fits_implicitly(e.type, target)) {
    if (e.type == type::int4 && e.kind == Kind::literal) e.type = target;
    return true;
  }
  const bool to_text = target == type::text;
  const bool narrows = e.type == type::int8 && target == type::int4;
  if (context == Context::assignment && (to_text || narrows)) return true;
  return context == Context::by_cast &&
         (to_text || narrows || e.type == type::text || e.type == type::name || target == type::name);
}

void Analyser::no_operator(const Expression& e) const {
  throw SqlError{.code = "42883",
                 .message = "operator does not exist: " + std::string(name_of_type(e.arguments[0]->type)) +
                            ' ' + e.text + ' ' + std::string(name_of_type(e.arguments[1]->type)),
                 .position = e.position,
                 .hint =
                     "No operator matches the given name and argument types. You might need to add explicit "
                     "type casts."};
}

void Analyser::visit_binary(Expression& e) {
  Expression& left = *e.arguments[0];
  Expression& right = *e.arguments[1];
  visit(left);
  visit(right);
  if (e.text == "and" || e.text == "or") {
    const bool good =
        coerce(left, type::boolean, Context::implicit) && coerce(right, type::boolean, Context::implicit);
    if (!good) not_understood("this " + e.text);
    e.type = type::boolean;
    return;
  }
  if (left.type == type::unknown && right.type == type::unknown) {
    const Oid both = e.text == "||" || is_comparison(e.text) ? type::text : type::int4;
    if (both != type::text) not_understood("an operator between unknown types");
    coerce(left, both, Context::implicit);
    coerce(right, both, Context::implicit);
  }
  if (left.type == type::unknown) coerce(left, e.text == "||" ? type::text : right.type, Context::implicit);
  if (right.type == type::unknown) coerce(right, e.text == "||" ? type::text : left.type, Context::implicit);
  const bool texts =
      coerce(left, type::text, Context::implicit) && coerce(right, type::text, Context::implicit);
  if (e.text == "||") {
    if (!texts) not_understood("|| between other types than text");
    e.type = type::text;
    return;
  }
  const bool numbers = is_number(left.type) && is_number(right.type);
  const bool same = left.type == right.type || texts || numbers;
  if (!same || (!is_comparison(e.text) && !numbers)) no_operator(e);
  if (numbers && (left.type == type::float8 || right.type == type::float8)) not_understood("floating point");
  e.type = is_comparison(e.text)                                 ? type::boolean
           : left.type == type::int8 || right.type == type::int8 ? type::int8
                                                                 : type::int4;
}

void Analyser::visit_cast(Expression& e) {
  Expression& inner = *e.arguments[0];
  visit(inner);
  if (!coerce(inner, e.type, Context::by_cast)) not_understood("this cast");
}

// A literal is read under the settings of whoever has the statement analysed.
void Analyser::visit_instant(Expression& e) {
  if (parameters_.knows_instants) {
    e.text = parameters_.instants.at(parameters_.used++);
  } else {
    e.text = read_instant(e.text, s_.settings.value("TimeZone"));
    parameters_.instants.push_back(e.text);
  }
  e.type = type::timestamptz;
}

void Analyser::visit_array(Expression& e) {
  for (ExpressionPtr& element : e.arguments) {
    visit(*element);
    if (!coerce(*element, type::text, Context::implicit)) not_understood("an array of other types than text");
  }
  e.type = type::text_array;
}

const FunctionDefinition& Analyser::function_of(const Expression& call) {
  const FunctionDefinition* best = nullptr;
  for (const FunctionDefinition& function : function_definitions()) {
    if (function.name != call.text || function.arguments.size() != call.arguments.size()) continue;
    bool fits = true;
    for (std::size_t i = 0; i < call.arguments.size(); ++i) {
      const Oid given = call.arguments[i]->type;
      fits &= given == type::unknown || fits_implicitly(given, function.arguments[i]);
    }
    if (fits && best == nullptr) best = &function;
  }
  if (best == nullptr) not_understood("function " + call.text);
  return *best;
}

void Analyser::visit_call(Expression& e) {
  for (ExpressionPtr& argument : e.arguments) visit(*argument);
  const FunctionDefinition& function = function_of(e);
  for (std::size_t i = 0; i < e.arguments.size(); ++i)
    coerce(*e.arguments[i], function.arguments[i], Context::implicit);
  // PostgreSQL looks the name up when it reads the literal, as a regclass.
  const bool takes_sequence =
      function.name == "nextval" || function.name == "currval" || function.name == "setval";
  if (takes_sequence && e.arguments[0]->kind == Kind::literal)
    Sequences(s_).look_up(e.arguments[0]->text, e.arguments[0]->position);
  e.type = function.result;
  e.number = static_cast<std::size_t>(&function - function_definitions().data());
}

}  // namespace pgweir::simulation
