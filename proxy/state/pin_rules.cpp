#include "proxy/state/pin_rules.hpp"

#include <array>
#include <utility>

#include "protocol/sql_tokenizer.hpp"

namespace pgweir {
namespace {

constexpr std::size_t leading_words_max = 4;

constexpr std::array<std::pair<SqlFact, Pin>, 6> facts_that_begin{{
    {SqlFact::session_advisory_lock, Pin::advisory_lock},
    {SqlFact::creates_temporary, Pin::temporary_object},
    {SqlFact::declares_cursor_with_hold, Pin::holdable_cursor},
    {SqlFact::listens, Pin::listen},
    {SqlFact::loads, Pin::load},
    {SqlFact::keeps_hidden_state, Pin::session_function},
}};

struct TagRule {
  std::string_view tag;  // or its beginning, if it ends with a space
  PinSet pins;
};

constexpr std::array<TagRule, 3> tags_that_begin{{
    {"LISTEN", {Pin::listen}},
    {"LOAD", {Pin::load}},
    {"PREPARE", {Pin::sql_prepare}},
}};

constexpr std::array<TagRule, 9> tags_that_end{{
    {"DROP ", {Pin::temporary_object}},
    {"DISCARD TEMP", {Pin::temporary_object}},
    {"DISCARD ALL", visible_pins},
    {"CLOSE CURSOR", {Pin::holdable_cursor}},
    {"CLOSE CURSOR ALL", {Pin::holdable_cursor}},
    {"UNLISTEN", {Pin::listen}},
    {"DEALLOCATE", {Pin::sql_prepare}},
    {"DEALLOCATE ALL", {Pin::sql_prepare}},
    {"DO", visible_pins},
}};

template <std::size_t n>
PinSet look_up(const std::array<TagRule, n>& rules, std::string_view tag) {
  for (const TagRule& rule : rules) {
    if (rule.tag.back() == ' ' ? tag.starts_with(rule.tag) : tag == rule.tag) return rule.pins;
  }
  return {};
}

// The first words of the statements that pin; anything else may be a name.
bool is_keyword(std::string_view word) {
  static constexpr std::array<std::string_view, 38> words = {
      "analyze", "as",         "begin",     "call",      "close",   "commit", "copy",     "create",
      "cursor",  "deallocate", "declare",   "delete",    "do",      "drop",   "execute",  "explain",
      "for",     "from",       "function",  "global",    "insert",  "into",   "listen",   "load",
      "local",   "or",         "prepare",   "recursive", "replace", "select", "sequence", "set",
      "table",   "temp",       "temporary", "update",    "view",    "with"};
  for (const std::string_view known : words) {
    if (folded_equals(word, known)) return true;
  }
  return false;
}

}  // namespace

bool cannot_be_judged(const SqlEffects& effects, const Judgement& judgement) {
  if (effects.is_unreadable()) return true;
  return judgement.strict && (effects.runs_code() || (effects.writes() && !judgement.trust_triggers));
}

PinSet may_begin(const SqlEffects& effects, const Judgement& judgement) {
  PinSet pins;
  if (cannot_be_judged(effects, judgement)) pins.insert(visible_pins);
  for (const auto& [fact, pin] : facts_that_begin) {
    if (effects.facts.contains(fact)) pins.insert(pin);
  }
  return pins;
}

PinSet may_end(const SqlEffects& effects, const Judgement& judgement) {
  PinSet pins;
  if (cannot_be_judged(effects, judgement)) pins.insert(visible_pins);
  if (effects.facts.contains(SqlFact::advisory_unlock)) pins.insert(Pin::advisory_lock);
  return pins;
}

PinSet may_begin_by_tag(std::string_view tag) {
  return look_up(tags_that_begin, tag);
}

PinSet may_end_by_tag(std::string_view tag) {
  return look_up(tags_that_end, tag);
}

bool may_advance_sequence(const SqlEffects& effects) {
  return effects.writes() || effects.runs_code() || effects.facts.contains(SqlFact::nextval_or_setval);
}

std::string leading_words(std::string_view text) {
  SqlTokenizer tokens(text);
  std::string words;
  for (std::size_t n = 0; n < leading_words_max; ++n) {
    const Token token = tokens.next();
    if (token.kind != TokenKind::word || !is_keyword(token.text)) break;
    if (!words.empty()) words += ' ';
    for (const char c : token.text) words += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return words;
}

bool reads_relations(const SqlEffects& effects) {
  return effects.writes() || effects.runs_code() ||
         effects.verbs.intersects({Verb::select, Verb::table, Verb::values, Verb::declare, Verb::create,
                                   Verb::refresh, Verb::prepare, Verb::call, Verb::do_});
}

}  // namespace pgweir
