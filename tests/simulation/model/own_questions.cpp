#include "tests/simulation/model/own_questions.hpp"

#include <utility>

#include "proxy/backend/role_question.hpp"
#include "tests/simulation/model/expression_parser.hpp"

namespace pgweir::simulation {
namespace {

constexpr std::string_view state_begin = "SELECT CASE WHEN c.other THEN ' ' OPERATOR(pg_catalog.||)";
constexpr std::string_view state_rows =
    " COLLATE pg_catalog.\"C\" OPERATOR(pg_catalog.~) '[^[:ascii:]]' FROM (";
constexpr std::string_view state_end = ") r(name,value)) c(name,value,other)";
constexpr std::string_view settings_part =
    "SELECT name,setting FROM pg_catalog.pg_settings WHERE source OPERATOR(pg_catalog.=) 'session'"
    " AND name OPERATOR(pg_catalog.<>) ALL(";
constexpr std::string_view identity_part =
    ") UNION ALL SELECT 'role',pg_catalog.current_setting('role')"
    " UNION ALL SELECT 'session_authorization',pg_catalog.current_setting('session_authorization')";
constexpr std::string_view statements_part = "SELECT '=statements',";
constexpr std::string_view array_part = "SELECT n,CASE WHEN pg_catalog.strpos(n,'.')";
constexpr std::string_view pin_part = "SELECT '','";
constexpr std::string_view union_all = " UNION ALL ";

constexpr std::string_view triggers_question =
    "SELECT DISTINCT pg_catalog.regexp_replace(p.proname::pg_catalog.text COLLATE pg_catalog.\"C\","
    "'[^[:ascii:]]+','__not_ascii__','g') FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_proc p"
    " ON p.oid OPERATOR(pg_catalog.=) t.tgfoid WHERE NOT t.tgisinternal LIMIT 2049";
constexpr std::string_view sources_begin =
    "SELECT pg_catalog.regexp_replace(c.name::pg_catalog.text COLLATE pg_catalog.\"C\"";

// Reads the parts of one question; `in` stays at the same place of the text.
class StateParts {
 public:
  StateParts(LexemeCursor& in, std::size_t at, std::size_t end) : in_(in), at_(at), end_(end) {}

  StateQuestion read() {
    StateQuestion question;
    if (rest().starts_with(array_part) && rest().ends_with("pg_catalog.unnest($1) n")) {
      question.about_array = true;
      return question;
    }
    while (at_ < end_) {
      question.parts.push_back(part());
      if (at_ < end_) take(union_all);
    }
    return question;
  }

 private:
  std::string_view rest() const { return in_.text().substr(at_, end_ - at_); }

  void take(std::string_view expected) {
    if (!rest().starts_with(expected)) in_.refuse();
    at_ += expected.size();
  }

  StatePart part() {
    if (rest().starts_with(settings_part)) return settings();
    if (rest().starts_with(statements_part)) return statements();
    if (rest().starts_with(pin_part)) return pin();
    if (rest().starts_with(array_part)) return names();
    return name();
  }

  StatePart settings() {
    StatePart part;
    take(settings_part);
    in_.skip_to(at_);
    const ExpressionPtr names = ExpressionParser(in_).parse();
    for (const ExpressionPtr& excluded : names->arguments) part.excluded.push_back(excluded->text);
    at_ = in_.last_end();
    take(identity_part);
    return part;
  }

  StatePart statements() {
    StatePart part;
    part.kind = StatePart::Kind::statements;
    const std::size_t end = rest().find("pg_catalog.starts_with(name,'__pgweir_')");
    if (end == std::string_view::npos) in_.refuse();
    at_ += end;
    take("pg_catalog.starts_with(name,'__pgweir_')");
    return part;
  }

  StatePart pin() {
    StatePart part;
    part.kind = StatePart::Kind::pin;
    take(pin_part);
    const std::size_t end = rest().find("' WHERE EXISTS(");
    if (end == std::string_view::npos) in_.refuse();
    part.text = rest().substr(0, end);
    const std::size_t next = rest().find(union_all);
    at_ = next == std::string_view::npos ? end_ : at_ + next;
    return part;
  }

  StatePart name() {
    StatePart part;
    part.kind = StatePart::Kind::name;
    take("SELECT ");
    in_.skip_to(at_);
    part.name = ExpressionParser(in_).parse();
    at_ = in_.last_end();
    take(",");
    part.listed = rest().starts_with("(SELECT s.setting FROM pg_catalog.pg_settings");
    if (!part.listed && !rest().starts_with("pg_catalog.current_setting(")) in_.refuse();
    const std::size_t next = rest().find(union_all);
    at_ = next == std::string_view::npos ? end_ : at_ + next;
    return part;
  }

  StatePart names() {
    constexpr std::string_view before = "END FROM pg_catalog.unnest(";
    StatePart part;
    part.kind = StatePart::Kind::names;
    const std::size_t array = rest().find(before);
    if (array == std::string_view::npos) in_.refuse();
    at_ += array + before.size();
    in_.skip_to(at_);
    part.name = ExpressionParser(in_).parse();
    at_ = in_.last_end();
    take(") n");
    return part;
  }

  LexemeCursor& in_;
  std::size_t at_;
  std::size_t end_;
};

void take_state_question(LexemeCursor& in, Statement& out) {
  const std::size_t rows = in.text().find(state_rows, in.offset());
  if (rows == std::string_view::npos) in.refuse();
  const std::size_t begin = rows + state_rows.size();
  const std::size_t end = in.text().find(state_end, begin);
  if (end == std::string_view::npos) in.refuse();
  out.node = StateParts(in, begin, end).read();
  in.skip_to(end + state_end.size());
}

void take_fixed(LexemeCursor& in, Statement& out, FixedQuestion question) {
  out.node = std::move(question);
  while (!in.at_end() && !in.sees_symbol(";")) in.next();
}

}  // namespace

std::vector<NamedQuestion> whole_questions() {
  return {{"triggers", triggers_question}, {"role", role_question}};
}

bool take_own_question(LexemeCursor& in, Statement& out) {
  const std::string_view text = in.text().substr(in.offset());
  if (text.starts_with(state_begin)) {
    take_state_question(in, out);
  } else if (text.starts_with(triggers_question)) {
    take_fixed(in, out, {{{"regexp_replace"}}});
  } else if (text.starts_with(sources_begin)) {
    take_fixed(in, out, {ResultColumns(4, ResultColumn{"regexp_replace"})});
  } else if (text.starts_with(role_question)) {
    // They are columns 1 and 6 of pg_roles.
    take_fixed(in, out,
               {{{"rolname", type::name, 12000, 1},
                 {"rolcanlogin", type::boolean, 12000, 6},
                 {"?column?", type::float8}},
                true});
  } else {
    return false;
  }
  return true;
}

}  // namespace pgweir::simulation
