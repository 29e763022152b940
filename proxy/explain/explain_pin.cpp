#include "proxy/explain/explain_pin.hpp"

#include "protocol/framer.hpp"
#include "protocol/sql_listen.hpp"
#include "protocol/sql_scan.hpp"
#include "proxy/explain/explain_statement.hpp"
#include "proxy/state/local_answer.hpp"

namespace pgweir {
namespace {

// Whether a session that has set and prepared nothing gets its answer without a server.
bool is_answered_locally(std::string_view text) {
  const SettingMap none;
  const ParameterMap unknown;
  return answer_locally(text, SessionFacts{.startup = &none, .desired = &none, .view = &unknown}).has_value();
}

// Whether a Query of this text is short enough to be read; its final NUL counts.
bool is_read(std::string_view text) {
  return text.size() < query_whole_body_max;
}

// PostgreSQL runs nothing of such a text.
bool is_unterminated(std::string_view text) {
  SqlTokenizer tokens(text);
  Token token = tokens.next();
  while (token.kind != TokenKind::end && token.kind != TokenKind::unterminated) token = tokens.next();
  return token.kind == TokenKind::unterminated;
}

void explain_whole(std::string_view text, Explanation& out) {
  if (is_unterminated(text)) {
    out.add(EffectKind::note, "it ends inside a string or a quoted name: PostgreSQL refuses all of it");
  }
  if (is_answered_locally(text)) {
    out.add(EffectKind::served,
            "where it changes nothing in the session, pgweir answers it without a server "
            "connection");
  }
  if (is_read(text)) return;
  out.add(EffectKind::unclear,
          "a Query of more than 1 MiB is not read: the server is asked after the transaction "
          "for all that it shows; what follows holds for a prepared statement");
  out.pins.insert(may_begin(effects_of_anything(), out.judgement));
}

template <class Names>
std::string join(const Names& names) {
  std::string joined;
  for (const std::string_view name : names) {
    if (!joined.empty()) joined += ", ";
    joined += name;
  }
  return joined;
}

std::vector<std::string_view> names_of(PinSet pins) {
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < pin_count; ++i) {
    const Pin pin = static_cast<Pin>(i);
    if (pins.contains(pin)) names.push_back(text_of(pin).name);
  }
  return names;
}

}  // namespace

Explanation explain_pin(std::string_view text, const Judgement& judgement) {
  Explanation out;
  out.judgement = judgement;
  explain_whole(text, out);
  const ExplainedText context{
      .alone = is_single_statement(text),
      .channels_followed = listen_steps(text).has_value(),
      .reads_sequences = effects_of(text).facts.contains(SqlFact::sequence_value),
  };
  StatementSplitter statements(text);
  for (SqlStatement statement; statements.next(statement);) {
    ExplainedStatement explained = explain_statement(statement, context, judgement);
    out.pins.insert(explained.pins);
    out.doubts.merge(std::set<Doubt>(explained.doubts));
    if (out.statements.size() < Explanation::statements_max) {
      out.statements.push_back(std::move(explained));
    } else {
      ++out.more_statements;
    }
  }
  return out;
}

std::string verdict_of(const Explanation& explanation) {
  const bool pins = !explanation.pins.empty();
  std::string verdict = pins ? "may pin: " + join(names_of(explanation.pins)) : "does not pin";
  if (explanation.doubts.empty()) return verdict;
  std::vector<std::string_view> doubts;
  for (const Doubt doubt : explanation.doubts) doubts.push_back(to_string(doubt));
  verdict += pins ? "; more depends on: " : " by itself; depends on: ";
  return verdict + join(doubts);
}

}  // namespace pgweir
