#include "protocol/sql_facts.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <initializer_list>

namespace pgweir {

namespace {

bool is_name(const Token& token) {
  return token.kind == TokenKind::word || token.kind == TokenKind::quoted_identifier ||
         token.kind == TokenKind::unicode_identifier;
}

// The name as PostgreSQL compares it, in the caller's array: long and doubly quoted names become empty, which
// no list has.
std::string_view folded_name(const Token& token, std::array<char, identifier_size_max>& buffer) {
  std::string_view text = token.text;
  const bool quoted = token.kind == TokenKind::quoted_identifier;
  if (quoted) text = text.substr(1, text.size() - 2);
  if (text.size() > buffer.size()) return {};
  if (quoted) return text;
  std::transform(text.begin(), text.end(), buffer.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; });
  return {buffer.data(), text.size()};
}

struct NamedFact {
  std::string_view name;
  SqlFact fact;
};
constexpr std::array<NamedFact, 18> stateful_functions = {{
    {"currval", SqlFact::sequence_value},
    {"dblink_connect", SqlFact::keeps_hidden_state},
    {"dblink_connect_u", SqlFact::keeps_hidden_state},
    {"lastval", SqlFact::sequence_value},
    {"nextval", SqlFact::nextval_or_setval},
    {"pg_advisory_lock", SqlFact::session_advisory_lock},
    {"pg_advisory_lock_shared", SqlFact::session_advisory_lock},
    {"pg_advisory_unlock", SqlFact::advisory_unlock},
    {"pg_advisory_unlock_all", SqlFact::advisory_unlock},
    {"pg_advisory_unlock_shared", SqlFact::advisory_unlock},
    {"pg_backup_start", SqlFact::keeps_hidden_state},
    {"pg_replication_origin_session_setup", SqlFact::keeps_hidden_state},
    {"pg_start_backup", SqlFact::keeps_hidden_state},
    {"pg_try_advisory_lock", SqlFact::session_advisory_lock},
    {"pg_try_advisory_lock_shared", SqlFact::session_advisory_lock},
    {"set_config", SqlFact::set_config},
    {"setseed", SqlFact::keeps_hidden_state},
    {"setval", SqlFact::nextval_or_setval},
}};

const NamedFact* stateful_function(std::string_view name) {
  for (const NamedFact& f : stateful_functions) {
    if (f.name == name) return &f;
  }
  return nullptr;
}

// A clause word that is also a possible name of a function: it is a clause only after the given word, behind
// which no expression begins.
struct ClauseWord {
  std::string_view name;
  std::string_view before;
};
constexpr std::array<ClauseWord, 15> clause_words = {{{"by", "group"},
                                                      {"by", "order"},
                                                      {"by", "partition"},
                                                      {"join", "cross"},
                                                      {"join", "full"},
                                                      {"join", "inner"},
                                                      {"join", "left"},
                                                      {"join", "natural"},
                                                      {"join", "outer"},
                                                      {"join", "right"},
                                                      {"key", "primary"},
                                                      {"key", "foreign"},
                                                      {"varying", "character"},
                                                      {"varying", "char"},
                                                      {"varying", "bit"}}};

bool is_word_in(const Token& token, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(), [&](std::string_view w) { return is_word(token, w); });
}

// Whether a parenthesis begins a query; the tokens stand behind it. Reserved words only, as a column may be
// named VALUES.
bool is_query(SqlTokenizer tokens) {
  return is_word_in(tokens.next(), {"select", "with", "table"});
}

// ON CONFLICT (...) DO. With a WHERE in between it may also be the condition of a join.
bool is_do_behind(SqlTokenizer tokens) {
  constexpr int tokens_max = 64;
  int depth = 1;
  for (int n = 0; n < tokens_max && depth > 0; ++n) {
    const Token token = tokens.next();
    if (token.kind == TokenKind::end || token.kind == TokenKind::semicolon) return false;
    if (token.kind == TokenKind::open_paren) ++depth;
    if (token.kind == TokenKind::close_paren) --depth;
  }
  return depth == 0 && is_word(tokens.next(), "do");
}

// After these words a name with parentheses is a table and its columns, a prepared statement, a CTE or an
// alias.
bool introduces_definition(const Token& before) {
  static constexpr std::array<std::string_view, 10> words = {
      "into", "as", "table", "copy", "with", "only", "recursive", "prepare", "execute", "references"};
  return before.kind == TokenKind::word &&
         (std::any_of(words.begin(), words.end(), [&](std::string_view w) { return is_word(before, w); }) ||
          is_word(before, "exists"));
}

class FactScan {
 public:
  FactScan(std::string_view sql, SqlDialect dialect) : tokens_(sql, dialect) {}
  SqlFacts run();

 private:
  void start_statement();
  void open_paren();
  void close_paren();
  void name(const Token& token);
  void word(const Token& token);
  void call();
  bool is_clause(std::string_view name) const;
  std::uint64_t depth_bit() const { return std::uint64_t{1} << std::min<std::size_t>(depth_, 63); }

  SqlTokenizer tokens_;
  StatementTracker tracker_;
  SqlFacts facts_;
  Verb verb_ = Verb::empty;
  bool cursor_seen_ = false;   // CURSOR, in this statement
  bool into_selects_ = false;  // the last INTO is not that of an INSERT or MERGE
  std::size_t depth_ = 0;      // open parentheses
  std::uint64_t selects_ = 0;  // a bit for each depth at which this statement has a SELECT
  std::uint64_t calls_ = 0;    // a bit for each depth whose parenthesis is surely followed by no expression
  bool closes_call_ = false;   // the last ")" was one of those
  Token previous_;             // the last token
  Token before_previous_;
  Token qualifier_;    // in front of previous_, if that is the last part of a qualified name
  Token before_name_;  // the token before the whole name that ends with previous_
};

SqlFacts FactScan::run() {
  for (;;) {
    const Token token = tokens_.next();
    if (token.kind == TokenKind::end) return facts_;
    if (token.kind == TokenKind::undecided) facts_.insert(SqlFact::undecided);
    const StatementTracker::Step step = tracker_.note(token.kind, token.text);
    if (step == StatementTracker::Step::boundary) {
      verb_ = Verb::empty;
      cursor_seen_ = false;
      depth_ = 0;
      selects_ = 0;
    }
    if (token.kind == TokenKind::open_paren) open_paren();
    if (token.kind == TokenKind::close_paren) close_paren();
    if (is_name(token)) name(token);
    if (step == StatementTracker::Step::verb) start_statement();
    before_previous_ = previous_;
    previous_ = token;
  }
}

void FactScan::start_statement() {
  verb_ = tracker_.verb();
  if (verb_ == Verb::listen) facts_.insert(SqlFact::listens);
  if (verb_ == Verb::load) facts_.insert(SqlFact::loads);
  if (verb_ == Verb::do_) facts_.insert(SqlFact::calls_unknown_function);
}

void FactScan::open_paren() {
  ++depth_;
  // DISTINCT ON (a) f(1), OPERATOR(pg_catalog.-) f(1), RETURNING WITH (OLD AS o) f(1)
  const bool calls = is_name(previous_) && !is_word_in(previous_, {"on", "operator", "with"}) && depth_ < 63;
  calls_ = calls ? calls_ | depth_bit() : calls_ & ~depth_bit();
  // A statement's first word is never the name of a function: EXPLAIN (ANALYZE), VALUES (1).
  if (is_name(previous_) && before_name_.kind != TokenKind::end && before_name_.kind != TokenKind::semicolon)
    call();
}

void FactScan::close_paren() {
  selects_ &= ~depth_bit();
  closes_call_ = (calls_ & depth_bit()) != 0;
  if (depth_ > 0) --depth_;
}

void FactScan::name(const Token& token) {
  if (previous_.kind == TokenKind::dot) {
    qualifier_ = before_previous_;
  } else {
    qualifier_ = {};
    before_name_ = previous_;
  }
  // Creating something in pg_temp needs no TEMP; naming it in any other way costs no more than a check.
  const std::size_t quote = token.text.find('"');
  const std::string_view bare = quote == std::string_view::npos ? token.text : token.text.substr(quote + 1);
  const bool is_escaped = token.kind == TokenKind::unicode_identifier &&
                          (token.text.find('\\') != std::string_view::npos || token.text.back() != '"');
  const bool may_be_temporary =
      is_escaped || ((bare[0] | 0x20) == 'p' && folded_equals(bare.substr(0, 7), "pg_temp"));
  if (may_be_temporary) facts_.insert(SqlFact::creates_temporary);
  if (token.kind == TokenKind::word) word(token);
}

// Clauses, recognised at their last word.
void FactScan::word(const Token& token) {
  switch (token.text[0] | 0x20) {
    case 't': {
      if (!is_word(token, "temp") && !is_word(token, "temporary")) return;
      // INSERT INTO temp names a table; SELECT ... INTO temp has a name after it, which costs no more than a
      // check.
      if ((is_word(previous_, "into") && into_selects_) || is_word(previous_, "create") ||
          is_word(previous_, "local") || is_word(previous_, "global") || is_word(previous_, "replace")) {
        facts_.insert(SqlFact::creates_temporary);
      }
      return;
    }
    case 'c':
      if (is_word(token, "cursor")) cursor_seen_ = true;
      return;
    case 'i':
      if (!is_word(token, "into")) return;
      // Behind a SELECT they are the name of a column: SELECT 1 AS insert INTO t.
      into_selects_ =
          (selects_ & depth_bit()) != 0 || (!is_word(previous_, "insert") && !is_word(previous_, "merge"));
      if (into_selects_) facts_.insert(SqlFact::selects_into);
      return;
    case 'h':
      if (cursor_seen_ && is_word(token, "hold") && is_word(previous_, "with")) {
        facts_.insert(SqlFact::declares_cursor_with_hold);
      }
      return;
    case 's':
      if (is_word(token, "select")) selects_ |= depth_bit();
      // PostgreSQL does not mind COPY ... FROM STDOUT and TO STDIN.
      if (verb_ != Verb::copy || depth_ > 0 || (!is_word(token, "stdin") && !is_word(token, "stdout")))
        return;
      if (is_word(previous_, "from")) facts_.insert(SqlFact::copies_from_stdin);
      if (is_word(previous_, "to")) facts_.insert(SqlFact::copies_to_stdout);
      return;
    default:
      return;
  }
}

// previous_ is a name and "(" follows it.
void FactScan::call() {
  if (previous_.kind == TokenKind::unicode_identifier) {
    facts_.insert(SqlFact::undecided);
    return;
  }
  std::array<char, identifier_size_max> buffer;
  const std::string_view name = folded_name(previous_, buffer);
  const bool foreign_schema =
      is_name(qualifier_) && !is_word(qualifier_, "pg_catalog") && qualifier_.text != "\"pg_catalog\"";
  if (const NamedFact* f = stateful_function(name)) {
    facts_.insert(f->fact);
    if (!foreign_schema) return;
  }
  // A quoted or qualified name is no keyword.
  const bool may_be_keyword = previous_.kind == TokenKind::word && !is_name(qualifier_);
  if (!foreign_schema && (may_be_keyword ? is_harmless_builtin(name) : is_harmless_function(name))) return;
  if (introduces_definition(before_name_)) return;
  if (may_be_keyword && is_clause(name)) return;
  facts_.insert(SqlFact::calls_unknown_function);
}

// What cannot be told cheaply is no clause: then the server is asked for a function of that name, once.
bool FactScan::is_clause(std::string_view name) const {
  if (name == "over" || name == "filter") return before_name_.kind == TokenKind::close_paren && closes_call_;
  if (name == "conflict") return is_word(before_name_, "on") && is_do_behind(tokens_);
  if (name == "join" && is_query(tokens_)) return true;
  return std::any_of(clause_words.begin(), clause_words.end(),
                     [&](const ClauseWord& w) { return w.name == name && is_word(before_name_, w.before); });
}

}  // namespace

SqlFacts scan_facts(std::string_view sql, SqlDialect dialect) {
  return FactScan(sql, dialect).run();
}

namespace {

// Whether a name behind this text may be that of a schema's function. The scan knows those of pg_catalog.
bool may_be_qualified(std::string_view before) {
  bool ends_line = false;
  while (!before.empty() && is_sql_space(before.back())) {
    ends_line = ends_line || before.back() == '\n' || before.back() == '\r';
    before.remove_suffix(1);
  }
  if (before.ends_with('.') || before.ends_with("*/")) return true;
  if (!ends_line) return false;
  const std::size_t line = before.find_last_of("\n\r");
  return before.substr(line == std::string_view::npos ? 0 : line).find("--") != std::string_view::npos;
}

// Whether the text in front of a "(" is the name of something that is not known to be harmless.
bool may_call_stateful(std::string_view before) {
  while (!before.empty() && is_sql_space(before.back())) {
    if (before.back() == '\n' || before.back() == '\r') return true;  // perhaps after a comment
    before.remove_suffix(1);
  }
  if (before.empty()) return false;
  const char last = before.back();
  if (last == '"' || last == '/' || last == '\'') return true;  // a quoted name, a comment, UESCAPE
  if (!is_word_part(last)) return false;
  std::size_t start = before.size();
  while (start > 0 && is_word_part(before[start - 1])) --start;
  if (may_be_qualified(before.substr(0, start))) return true;
  std::array<char, identifier_size_max> buffer;
  const Token name{TokenKind::word, before.substr(start), start};
  return !is_harmless_builtin(folded_name(name, buffer));
}

// INSERT INTO and MERGE INTO create nothing. Only where nothing stands in front of them, as both words may also
// be names of a SELECT's columns.
bool may_select_into(std::string_view sql, std::size_t at) {
  if (!folded_equals(sql.substr(at, 4), "into")) return false;
  std::string_view before = sql.substr(0, at);
  const auto drop_space = [&before] {
    while (!before.empty() && is_sql_space(before.back())) before.remove_suffix(1);
  };
  const auto drop_word = [&before](std::string_view word) {
    if (before.size() < word.size() || !folded_equals(before.substr(before.size() - word.size()), word))
      return false;
    before.remove_suffix(word.size());
    return true;
  };
  drop_space();
  if (!drop_word("insert") && !drop_word("merge")) return true;
  const std::size_t end = before.size();
  drop_space();
  if (before.empty()) return false;
  // What ends a line may end a comment.
  const std::string_view space = sql.substr(before.size(), end - before.size());
  return (before.back() != ';' && before.back() != '(') ||
         space.find_first_of("\n\r") != std::string_view::npos;
}

// Most bytes of a statement are none of these.
constexpr std::array<bool, 256> make_beginnings() {
  std::array<bool, 256> table{};
  for (const unsigned char c : std::string_view("(mMhHiI&$")) table[c] = true;
  return table;
}
constexpr auto beginnings = make_beginnings();

bool may_begin_fact(char c) {
  return beginnings[static_cast<unsigned char>(c)];
}

// The same of sixteen bytes at once: the bytes that are not zero. A control character may be taken for a sign.
using Block = std::uint8_t __attribute__((vector_size(16)));
using Halves = std::array<std::uint64_t, 2>;

Halves beginnings_in(const char* at) {
  Block bytes;
  std::memcpy(&bytes, at, sizeof bytes);
  const Block folded = bytes | 0x20;
  const auto found = (folded == '(') | (folded == '&') | (folded == '$') | (folded == 'm') | (folded == 'h') |
                     (folded == 'i');
  return std::bit_cast<Halves>(found);
}

bool begins_fact(std::string_view sql, std::size_t at) {
  // One letter more rules out almost every word.
  const auto goes_on = [sql, at](char lower) { return at + 1 < sql.size() && (sql[at + 1] | 0x20) == lower; };
  switch (sql[at]) {
    case '(':
      return may_call_stateful(sql.substr(0, at));
    case 'm':  // rarer than the other letters of TEMP
    case 'M':
      return goes_on('p') && at >= 2 && folded_equals(sql.substr(at - 2, 4), "temp");
    case 'h':
    case 'H':
      return goes_on('o') && folded_equals(sql.substr(at, 4), "hold");
    case 'i':
    case 'I':
      return goes_on('n') && may_select_into(sql, at);
    case '&':  // U&"...", which may spell any name
      return at > 0 && (sql[at - 1] | 0x20) == 'u';
    default:  // a dollar quote, whose tag may be too long
      return at + 1 < sql.size() && (sql[at + 1] < '0' || sql[at + 1] > '9');
  }
}

}  // namespace

bool may_have_facts(std::string_view sql) {
  static_assert(std::endian::native == std::endian::little);
  std::size_t at = 0;
  for (; at + sizeof(Block) <= sql.size(); at += sizeof(Block)) {
    std::size_t place = at;
    for (std::uint64_t found : beginnings_in(sql.data() + at)) {
      for (; found != 0; found &= ~(std::uint64_t{0xff} << (std::countr_zero(found) & ~7))) {
        if (begins_fact(sql, place + static_cast<std::size_t>(std::countr_zero(found)) / 8)) return true;
      }
      place += sizeof found;
    }
  }
  for (; at < sql.size(); ++at) {
    if (may_begin_fact(sql[at]) && begins_fact(sql, at)) return true;
  }
  return false;
}

bool FunctionCalls::next(Token& name) {
  Token previous;
  for (;;) {
    const Token token = tokens_.next();
    if (token.kind == TokenKind::end) return false;
    if (token.kind == TokenKind::open_paren && is_name(previous)) {
      name = previous;
      return true;
    }
    previous = token;
  }
}

}  // namespace pgweir
