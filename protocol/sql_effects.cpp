#include "protocol/sql_effects.hpp"

#include "protocol/sql_dynamic.hpp"
#include "protocol/sql_scan.hpp"

namespace pgweir {
namespace {

constexpr std::string_view set_config = "set_config";
constexpr std::string_view pg_settings = "pg_settings";
constexpr std::string_view statement_list = "pg_prepared_statement";  // the function; the view has an s more

struct Mentioned {
  bool set_config = false;
  bool pg_settings = false;
  bool statement_list = false;
};

// Names count anywhere in the text, strings included, as SQL may be given as text. Underscores are rare in
// SQL, so this is one memchr most of the time.
Mentioned mentioned_in(std::string_view text) {
  Mentioned found;
  const auto stands_at = [text](std::string_view name, std::size_t underscore_at) {
    const std::size_t before = name.find('_');
    return underscore_at >= before && folded_equals(text.substr(underscore_at - before, name.size()), name);
  };
  for (std::size_t at = text.find('_'); at != std::string_view::npos; at = text.find('_', at + 1)) {
    found.set_config = found.set_config || stands_at(set_config, at);
    if (at == 0 || (text[at - 1] | 0x20) != 'g') continue;
    found.pg_settings = found.pg_settings || stands_at(pg_settings, at);
    found.statement_list = found.statement_list || stands_at(statement_list, at);
  }
  return found;
}

// U&"..." may spell any name.
bool has_unicode_name(std::string_view text) {
  for (std::size_t at = text.find('&'); at != std::string_view::npos; at = text.find('&', at + 1)) {
    if (at > 0 && (text[at - 1] | 0x20) == 'u' && text.substr(at + 1, 1) == "\"") return true;
  }
  return false;
}

bool may_update(std::string_view text, const Mentioned& mentioned, bool has_unicode) {
  return (mentioned.pg_settings || has_unicode) && folded_find(text, "update");
}

// CREATE [OR REPLACE] FUNCTION or PROCEDURE, which runs nothing.
bool makes_routine(std::string_view text) {
  SqlTokenizer tokens(text);
  tokens.next();
  Token token = tokens.next();
  if (is_word(token, "or")) {
    tokens.next();
    token = tokens.next();
  }
  return is_word(token, "function") || is_word(token, "procedure");
}

}  // namespace

bool may_update_settings(std::string_view text) {
  return may_update(text, mentioned_in(text), has_unicode_name(text));
}

bool mentions_statement_list(std::string_view text) {
  return mentioned_in(text).statement_list;
}

bool mentions_sequence_value(std::string_view text) {
  constexpr std::size_t size = 7;
  for (std::size_t i = 0; i + size <= text.size(); ++i) {
    const char c = static_cast<char>(text[i] | 0x20);
    if (c != 'c' && c != 'l') continue;
    const std::string_view word = text.substr(i, size);
    if (folded_equals(word, "currval") || folded_equals(word, "lastval")) return true;
  }
  return false;
}

SqlEffects effects_of(std::string_view text, SqlDialect dialect) {
  return effects_of(text, may_have_facts(text), dialect);
}

SqlEffects effects_of(std::string_view text, bool has_facts, SqlDialect dialect) {
  SqlEffects out;
  out.single = is_single_statement(text, dialect);
  if (out.single) {
    out.verb = leading_verb(text);
    if (out.verb != Verb::empty) out.verbs.insert(out.verb);
  } else {
    out.verbs = verbs_of(text, dialect);
    out.verb = leading_verb(text);
  }
  const bool by_verb = out.verbs.intersects({Verb::call, Verb::do_, Verb::listen, Verb::load});
  if (by_verb || has_facts) out.facts = scan_facts(text, dialect);
  const Mentioned mentioned = mentioned_in(text);
  // may_have_facts() has found what may be such a name.
  const bool has_unicode = has_facts && has_unicode_name(text);
  out.may_set = out.is_unreadable() || mentioned.set_config || may_update(text, mentioned, has_unicode);
  out.reads_sequence =
      out.facts.contains(SqlFact::sequence_value) || (out.runs_code() && mentions_sequence_value(text));
  if (out.verb == Verb::create && out.single && makes_routine(text)) return out;
  if (mentioned.statement_list) {
    out.statement_names = StatementNames::listed;
  } else if (out.facts.contains(SqlFact::calls_unknown_function) && gives_named_statement(text, dialect)) {
    out.statement_names = StatementNames::by_code;
  }
  return out;
}

SqlEffects effects_of_anything() {
  SqlEffects out;
  out.verb = Verb::undecided;
  out.verbs.insert(Verb::undecided);
  out.single = false;
  out.may_set = true;
  out.facts.insert(SqlFact::undecided);
  return out;
}

}  // namespace pgweir
