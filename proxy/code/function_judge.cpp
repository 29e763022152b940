#include "proxy/code/function_judge.hpp"

#include <algorithm>
#include <array>

#include "protocol/sql_dynamic.hpp"
#include "protocol/sql_effects.hpp"
#include "protocol/sql_facts.hpp"
#include "protocol/sql_set.hpp"
#include "protocol/sql_tokenizer.hpp"
#include "protocol/sql_verb.hpp"
#include "proxy/code/builtin_functions.hpp"
#include "proxy/code/c_libraries.hpp"
#include "proxy/code/definition_words.hpp"
#include "proxy/code/function_call.hpp"
#include "proxy/code/session_globals.hpp"
#include "proxy/state/analysis_settings.hpp"
#include "proxy/state/settings_map.hpp"

namespace pgweir {
namespace {

// How deep SQL in a literal in SQL in a literal is followed.
constexpr int depth_max = 4;
// How many tokens of a call of set_config are looked at.
constexpr int arguments_max = 200;

enum class Code : std::uint8_t { sql, plpgsql };

bool is_word_in(const Token& token, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(), [&](std::string_view w) { return is_word(token, w); });
}

bool ends_statement(const Token& token) {
  return token.kind == TokenKind::semicolon || token.kind == TokenKind::end;
}

// Whether a statement may begin after this token, in SQL and in PL/pgSQL. CASE ... THEN looks the same.
bool may_start_statement(const Token& previous) {
  return ends_statement(previous) || is_word_in(previous, {"begin", "atomic", "then", "else", "loop"});
}

// Whether the token may follow a command's verb; it does not follow a column of that name in CASE ... THEN
// column ELSE.
bool is_object(const Token& token) {
  if (token.kind == TokenKind::word) return !is_word_in(token, {"else", "end", "when"});
  return token.kind == TokenKind::quoted_identifier || token.kind == TokenKind::unicode_identifier ||
         is_string(token);
}

// A literal that is one of several arguments, perhaps with the cast to text that pg_get_functiondef() adds.
bool literal_argument(SqlTokenizer arguments, std::string& value) {
  if (!string_value(arguments.next(), value)) return false;
  Token behind = arguments.next();
  if (behind.text == ":" && arguments.next().text == ":") {
    Token type = arguments.next();
    if (is_word(type, "pg_catalog") && arguments.next().kind == TokenKind::dot) type = arguments.next();
    if (is_word(type, "text")) behind = arguments.next();
  }
  return behind.kind == TokenKind::comma;
}

// Whether the last of these is the value of is_local, if it is that of the third argument: named, or after a
// comma.
bool is_value_of_is_local(const std::array<Token, 4>& tokens) {
  const bool arrow = tokens[2].text == "=>";
  const bool assigns = tokens[2].text == "=" && tokens[1].text == ":";
  if (!arrow && !assigns) return tokens[2].kind == TokenKind::comma;
  return is_word(tokens[arrow ? 1 : 0], "is_local");
}

FunctionEffects judge_code(Code code, std::string_view body, int depth, std::vector<std::string>& calls);
FunctionEffects judge_do_at(SqlTokenizer tokens, int depth, std::vector<std::string>& calls);

// Adds what the facts about the whole body say. Calls and settings are looked at one by one.
void add_facts(FunctionEffects& effects, SqlFacts facts) {
  if (facts.contains(SqlFact::session_advisory_lock) || facts.contains(SqlFact::advisory_unlock))
    effects.add_pin(Pin::advisory_lock);
  if (facts.contains(SqlFact::creates_temporary)) effects.add_pin(Pin::temporary_object);
  if (facts.contains(SqlFact::declares_cursor_with_hold)) effects.add_pin(Pin::holdable_cursor);
  if (facts.contains(SqlFact::keeps_hidden_state)) effects.add(FunctionVerdict::lasting);
  if (facts.contains(SqlFact::undecided)) effects.add_opaque();
}

class BodyScan {
 public:
  BodyScan(Code code, std::string_view body, SqlDialect dialect, int depth, std::vector<std::string>& calls)
      : code_(code), body_(body), dialect_(dialect), depth_(depth), calls_(calls), tokens_(body, dialect) {}
  // False: PostgreSQL finds a lexical error in the body, and runs nothing of it.
  bool run();
  const FunctionEffects& effects() const { return effects_; }

 private:
  void statement(const Token& verb);
  void set(const Token& verb);
  void execute();
  void call(CallKind kind);
  void calls(const std::string& name);
  void set_config();
  bool sets_until_end_of_transaction(SqlTokenizer arguments) const;
  void name_setting(const std::string& name);

  Code code_;
  std::string_view body_;
  SqlDialect dialect_;
  int depth_;
  std::vector<std::string>& calls_;
  SqlTokenizer tokens_;
  CallTracker tracker_;
  FunctionEffects effects_;
};

bool BodyScan::run() {
  add_facts(effects_, scan_facts(body_, dialect_));
  if (depth_ == depth_max) effects_.definitions = find_definition_words(body_);
  if (may_update_settings(body_)) effects_.add_unnamed_setting();
  if (gives_named_statement(body_, dialect_)) effects_.add(StatementNames::by_code);
  if (mentions_statement_list(body_)) effects_.add(StatementNames::listed);
  for (;;) {
    const Token token = tokens_.next();
    if (token.kind == TokenKind::end) return true;
    if (token.kind == TokenKind::unterminated) return false;
    const Token previous = tracker_.previous();
    call(tracker_.note(token));
    // This may be a search_path that begins with the temporary schema, in which unqualified names are then
    // made.
    if (is_string(token) && folded_find(token.text, "pg_temp")) effects_.add_pin(Pin::temporary_object);
    const bool makes_table =
        code_ == Code::sql && is_word(token, "into") && !is_word_in(previous, {"insert", "merge"});
    if (makes_table) effects_.changes_schema = true;
    if (token.kind != TokenKind::word || previous.kind == TokenKind::dot) continue;
    if (may_start_statement(previous)) statement(token);
    if (is_word(token, "execute")) execute();
  }
}

void BodyScan::statement(const Token& verb) {
  SqlTokenizer ahead = tokens_;
  const Token next = ahead.next();
  switch (verb_of(verb.text)) {
    case Verb::set:
    case Verb::reset:
      if (is_object(next)) set(verb);
      return;
    case Verb::load:
      if (is_string(next)) effects_.add(FunctionVerdict::lasting);
      return;
    case Verb::do_:
      // MERGE ... THEN DO NOTHING
      if (is_object(next) && !is_word(next, "nothing")) {
        effects_.add(judge_do_at(tokens_, depth_ - 1, calls_));
      }
      return;
    case Verb::close:
      // PL/pgSQL closes its own cursors in this way.
      if (code_ == Code::sql) effects_.add_pin(Pin::holdable_cursor);
      return;
    case Verb::alter:
    case Verb::create:
    case Verb::import_:
      if (!is_object(next)) return;
      effects_.changes_schema = true;
      return calls(std::string(event_triggers_name));
    case Verb::grant:
    case Verb::reassign:
    case Verb::revoke:
      if (!is_object(next)) return;
      effects_.changes_schema = true;  // see changes_schema() of tags
      return calls(std::string(event_triggers_name));
    case Verb::comment:
    case Verb::refresh:
    case Verb::reindex:
    case Verb::security:
      if (is_object(next)) calls(std::string(event_triggers_name));
      return;
    case Verb::drop:  // what is dropped may be temporary, which unpins a session
      if (!is_object(next)) return;
      effects_.changes_schema = true;
      effects_.add_pin(Pin::temporary_object);
      return calls(std::string(event_triggers_name));
    case Verb::discard:
      if (is_object(next)) effects_.add_pin(Pin::temporary_object);
      return;
    case Verb::listen:
    case Verb::unlisten:
      if (is_object(next) || next.text == "*") effects_.add_pin(Pin::listen);
      return;
    case Verb::prepare:
    case Verb::deallocate:
      if (is_object(next)) effects_.add_pin(Pin::sql_prepare);
      return;
    default:
      return;
  }
}

void BodyScan::set(const Token& verb) {
  SqlTokenizer ahead = tokens_;
  Token token = ahead.next();
  while (!ends_statement(token)) token = ahead.next();
  const std::size_t end = token.kind == TokenKind::end ? body_.size() : token.offset;
  const auto parsed = parse_set(body_.substr(verb.offset, end - verb.offset), dialect_);
  if (!parsed) return effects_.add_opaque();
  if (parsed->scope == SetScope::local && matters_to_analysis(parsed->name)) effects_.touches_context = true;
  if (parsed->scope != SetScope::session) return;
  name_setting(parsed->name);
}

// Whether a text that is put together may call what leaves behind something that the server does not show.
bool may_hide_state(std::string_view text) {
  return folded_find(text, "setseed") || folded_find(text, "dblink_connect") || folded_find(text, "isn_weak");
}

// EXECUTE 'literal'; anything else is dynamic.
void BodyScan::execute() {
  SqlTokenizer ahead = tokens_;
  const Token argument = ahead.next();
  // GRANT EXECUTE ON ..., CREATE TRIGGER ... EXECUTE FUNCTION ...
  if (is_word_in(argument, {"on", "function", "procedure"})) return;
  const Token behind = ahead.next();
  const bool alone = ends_statement(behind) || is_word_in(behind, {"into", "using", "loop"});
  std::string sql;
  if (alone && string_value(argument, sql)) {
    effects_.add(judge_code(Code::sql, sql, depth_ - 1, calls_));
  } else {
    effects_.add_opaque();
    if (may_hide_state(body_)) effects_.add(FunctionVerdict::lasting);
  }
}

void BodyScan::call(CallKind kind) {
  const std::string& name = tracker_.name();
  switch (kind) {
    case CallKind::none:
      return;
    case CallKind::fact:
      if (name == "set_config") set_config();
      return;
    case CallKind::known:
      find_builtin(name, effects_);
      return;
    case CallKind::unreadable:
      effects_.add_opaque();
      return;
    case CallKind::other:
      if (name.find(not_ascii) != std::string::npos) return effects_.add_opaque();
      return calls(name);
  }
}

void BodyScan::calls(const std::string& name) {
  if (std::find(calls_.begin(), calls_.end(), name) != calls_.end()) return;
  if (calls_.size() >= body_calls_max) return effects_.add_opaque();
  calls_.push_back(name);
}

// The tokenizer stands after the opening parenthesis.
void BodyScan::set_config() {
  std::string name;
  const bool is_named = literal_argument(tokens_, name);
  if (sets_until_end_of_transaction(tokens_) && ascii_lower(name) != seed_setting) {
    if (!is_named || matters_to_analysis(ascii_lower(name))) effects_.touches_context = true;
  } else if (is_named) {
    name_setting(name);
  } else {
    effects_.add_unnamed_setting();
  }
}

// Whether the third argument, and the last, is the literal true: by its place, or as is_local => true (or
// :=).
bool BodyScan::sets_until_end_of_transaction(SqlTokenizer arguments) const {
  std::array<Token, 4> last;
  int depth = 1;
  int commas = 0;
  for (int n = 0; n < arguments_max; ++n) {
    const Token token = arguments.next();
    if (token.kind == TokenKind::end) return false;
    if (token.kind == TokenKind::open_paren || token.kind == TokenKind::open_bracket) ++depth;
    if (token.kind == TokenKind::close_paren || token.kind == TokenKind::close_bracket) --depth;
    if (depth == 0) return commas == 2 && is_word(last[3], "true") && is_value_of_is_local(last);
    if (token.kind == TokenKind::comma && depth == 1) ++commas;
    last = {last[1], last[2], last[3], token};
  }
  return false;
}

void BodyScan::name_setting(const std::string& name) {
  // A custom setting, which the server can be asked for only by its whole name.
  if (name.find(not_ascii) != std::string::npos) effects_.add(FunctionVerdict::lasting);
  if (name.empty() || name.find(not_ascii) != std::string::npos) return effects_.add_unnamed_setting();
  effects_.add_setting(ascii_lower(name));
}

FunctionEffects opaque() {
  FunctionEffects effects;
  effects.add_opaque();
  return effects;
}

FunctionEffects judge_code(Code code, std::string_view body, int depth, std::vector<std::string>& calls) {
  if (depth < 0) return opaque();
  BodyScan scan(code, body, {}, depth, calls);
  if (!scan.run()) return opaque();
  if (body.find('\\') == std::string_view::npos) return scan.effects();
  BodyScan other(code, body, {.standard_conforming_strings = false}, depth, calls);
  if (!other.run()) return scan.effects();
  FunctionEffects both = scan.effects();
  both.add(other.effects());
  return both;
}

FunctionEffects judge_other(std::string_view language, std::string_view body) {
  FunctionEffects effects = opaque();
  if (may_keep_globals(language, body)) effects.add(FunctionVerdict::lasting);
  effects.definitions = find_definition_words(body);
  return effects;
}

// DO [LANGUAGE name] 'code' [LANGUAGE name], the two in any order.
FunctionEffects judge_do_at(SqlTokenizer tokens, int depth, std::vector<std::string>& calls) {
  std::string language = "plpgsql";
  std::string code;
  bool has_code = false;
  for (Token token = tokens.next(); !ends_statement(token); token = tokens.next()) {
    if (is_word(token, "language")) {
      const Token name = tokens.next();
      if (!identifier_name(name, language) && !string_value(name, language)) return opaque();
    } else if (has_code || !string_value(token, code)) {
      return opaque();
    } else {
      has_code = true;
    }
  }
  if (!has_code) return opaque();
  return language == "plpgsql" ? judge_code(Code::plpgsql, code, depth, calls) : judge_other(language, code);
}

}  // namespace

FunctionEffects judge_body(const FunctionSource& source, std::vector<std::string>& calls) {
  if (source.language == "sql") return judge_code(Code::sql, source.body, depth_max, calls);
  if (source.language == "plpgsql") return judge_code(Code::plpgsql, source.body, depth_max, calls);
  if (source.language == source_too_long) {
    FunctionEffects unread = opaque();
    unread.add(FunctionVerdict::lasting);
    return unread;
  }
  if (source.language != "c" && source.language != "internal")
    return judge_other(source.language, source.body);
  FunctionEffects effects = effects_of_name(source.name);
  effects.add(effects_of_name(source.body));
  if (source.language == "c") effects.add(effects_in_library(source.library, source.body, source.name));
  return effects;
}

FunctionEffects judge_do(SqlTokenizer tokens, std::vector<std::string>& calls) {
  return judge_do_at(tokens, depth_max, calls);
}

}  // namespace pgweir
