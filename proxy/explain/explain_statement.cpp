#include "proxy/explain/explain_statement.hpp"

#include "protocol/sql_cursor.hpp"
#include "protocol/sql_named.hpp"
#include "proxy/code/function_table.hpp"
#include "proxy/explain/explain_following.hpp"

namespace pgweir {
namespace {

std::string words_of(const SqlStatement& statement) {
  if (statement.verb == Verb::undecided) return "unreadable text";
  std::string words = leading_words(statement.text);
  if (!words.empty()) return words;
  if (statement.verb == Verb::other) return "unknown command";
  for (const char c : to_string(statement.verb))
    words += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return words;
}

// CREATE TEMP TABLE ... ON COMMIT DROP: after the transaction the server finds nothing.
bool drops_on_commit(const SqlStatement& statement) {
  if (statement.verb != Verb::create) return false;
  SqlCursor cursor(statement.text, {});
  for (; !cursor.at(TokenKind::end); cursor.advance()) {
    if (!cursor.at_word("on") || !is_word(cursor.following(), "commit")) continue;
    cursor.advance();
    if (is_word(cursor.following(), "drop")) return true;
  }
  return false;
}

void add_all(PinSet pins, ExplainedStatement& out) {
  for (std::size_t i = 0; i < pin_count; ++i) {
    const Pin pin = static_cast<Pin>(i);
    if (pins.contains(pin)) out.add_pin(pin);
  }
}

// What the text shows, and what has to be assumed where it shows nothing.
void explain_pins(const SqlStatement& statement, const SqlEffects& effects, const ExplainedText& context,
                  const Judgement& judgement, ExplainedStatement& out) {
  PinSet shown = may_begin(effects, judgement);
  if (effects.is_unreadable()) {
    out.pins.insert(visible_pins);
    shown.erase(visible_pins);
    out.add(
        EffectKind::unclear, {},
        "the text cannot be followed to its end; after the transaction the server is asked for all that it "
        "shows");
  } else if (cannot_be_judged(effects, judgement)) {
    out.pins.insert(visible_pins);
    shown = may_begin(effects, {});
    out.add(EffectKind::judged, {},
            "in strict mode the server is asked after the transaction for all that it shows");
  }
  if (context.channels_followed) shown.erase({Pin::listen});
  if (shown.contains(Pin::temporary_object) && drops_on_commit(statement)) {
    shown.erase({Pin::temporary_object});
    out.add(EffectKind::transaction, {}, "the temporary table is dropped when the transaction ends");
  }
  add_all(shown, out);
}

// Functions and DO, judged as by a pool that has not read the source of any function yet.
void explain_code(const SqlStatement& statement, const SqlEffects& effects, ExplainedStatement& out) {
  if (!effects.runs_code() || effects.is_unreadable()) return;
  FunctionTable unread;
  FunctionQuestion question;
  const FunctionEffects code = unread.judge(statement.text, question);
  if (!code.settings.empty()) {
    out.add(EffectKind::follows, code.settings,
            "the client's, if its code sets them; the server is asked for the values after the transaction");
  }
  if (code.verdict >= FunctionVerdict::suspicious) {
    out.pins.insert(code.pins);
    out.add(
        EffectKind::judged, {},
        "its code may leave state behind; after the transaction the server is asked for all that it shows");
  } else if (statement.verb == Verb::do_) {
    out.add(EffectKind::judged, {}, "its code leaves nothing behind, as far as the text shows");
  }
  if (code.verdict == FunctionVerdict::lasting) out.add_pin(Pin::session_function);
  if (question.empty()) return;
  out.doubts.insert(Doubt::functions);
  out.add(EffectKind::judged, question.names,
          "functions that are not built in are judged by their sources; if one may leave state behind, the "
          "server is asked after the transaction");
}

// Its own prepared statements, looked at or run where they have names of pgweir's otherwise.
void explain_statement_names(const SqlEffects& effects, ExplainedStatement& out) {
  if (effects.statement_names == StatementNames::listed) out.add_pin(Pin::own_statements);
  if (effects.statement_names == StatementNames::by_code)
    out.add_pin(Pin::own_statements, "if the client has prepared statements");
}

void explain_triggers(const SqlEffects& effects, const Judgement& judgement, ExplainedStatement& out) {
  if (judgement.trust_triggers || (!effects.writes() && !effects.runs_code())) return;
  out.doubts.insert(Doubt::triggers);
  out.add(EffectKind::judged, {},
          "triggers that it may fire are judged by the sources of all trigger functions of the database");
}

void explain_sequences(const SqlEffects& effects, const ExplainedText& context, ExplainedStatement& out) {
  if (effects.facts.contains(SqlFact::sequence_value)) {
    out.add(EffectKind::note, {},
            "currval() and lastval() make the whole pool keep sessions on their connections from their first "
            "sequence value on");
  }
  if (!may_advance_sequence(effects)) return;
  constexpr std::string_view condition =
      "only in a pool whose clients call currval() or lastval(), or with pool.sequence_values: pin";
  const bool shown = effects.facts.contains(SqlFact::nextval_or_setval);
  if (context.reads_sequences) return out.add_pin(Pin::sequence_value, shown ? "" : "if it takes one");
  if (shown) return out.add_pin(Pin::sequence_value, condition);
  out.doubts.insert(Doubt::sequence_values);
  out.add(EffectKind::judged, {"sequence_value"},
          "if it takes a sequence value it pins, but only in a pool whose clients call currval() or "
          "lastval(), or "
          "with pool.sequence_values: pin");
}

// The tag that the statement ends with, where tags decide about pins.
std::string_view tag_of(const SqlStatement& statement) {
  switch (statement.verb) {
    case Verb::drop:
      return "DROP TABLE";
    case Verb::close:
      return "CLOSE CURSOR";
    case Verb::deallocate:
      return "DEALLOCATE";
    case Verb::unlisten:
      return "UNLISTEN";
    case Verb::discard:
      break;
    default:
      return {};
  }
  switch (parse_discard(statement.text).value_or(DiscardTarget::plans)) {
    case DiscardTarget::all:
      return "DISCARD ALL";
    case DiscardTarget::temporary:
      return "DISCARD TEMP";
    case DiscardTarget::sequences:
      return "DISCARD SEQUENCES";
    case DiscardTarget::plans:
      return "DISCARD PLANS";
  }
  return {};
}

void explain_unpins(const SqlStatement& statement, const SqlEffects& effects, const ExplainedText& context,
                    ExplainedStatement& out) {
  if (effects.is_unreadable()) return;
  const std::string_view tag = tag_of(statement);
  PinSet ended = may_end(effects, {});
  ended.insert(may_end_by_tag(tag));
  if (tag == "DISCARD ALL" || tag == "DISCARD SEQUENCES") ended.insert(Pin::sequence_value);
  if (context.channels_followed) ended.erase({Pin::listen});
  std::vector<std::string> names;
  for (std::size_t i = 0; i < pin_count; ++i) {
    const Pin pin = static_cast<Pin>(i);
    if (ended.contains(pin)) names.emplace_back(text_of(pin).name);
  }
  if (names.empty()) return;
  out.add(
      EffectKind::may_unpin, std::move(names),
      (ended & visible_pins).empty()
          ? "the pin ends, if there is one"
          : "the pin ends, if there is one and the server, asked after the transaction, shows nothing more");
}

}  // namespace

ExplainedStatement explain_statement(const SqlStatement& statement, const ExplainedText& context,
                                     const Judgement& judgement) {
  const SqlEffects effects = effects_of(statement.text);
  ExplainedStatement out;
  out.words = words_of(statement);
  explain_following(statement, effects, context, out);
  explain_pins(statement, effects, context, judgement, out);
  explain_code(statement, effects, out);
  explain_statement_names(effects, out);
  explain_triggers(effects, judgement, out);
  explain_sequences(effects, context, out);
  explain_unpins(statement, effects, context, out);
  return out;
}

}  // namespace pgweir
