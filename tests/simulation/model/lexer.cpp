#include "tests/simulation/model/lexer.hpp"

#include "tests/simulation/model/sql_error.hpp"

namespace pgweir::simulation {
namespace {

[[noreturn]] void unterminated(const Token& token) {
  const bool is_name = token.text.starts_with('"');
  fail("42601",
       std::string("unterminated quoted ") + (is_name ? "identifier" : "string") + " at or near \"" +
           std::string(token.text) + '"',
       token.offset + 1);
}

Lexeme lexeme_of(const Token& token, std::string_view text) {
  Lexeme lexeme{Lexeme::Kind::symbol, std::string(token.text), token.offset,
                token.offset + token.text.size()};
  switch (token.kind) {
    case TokenKind::end:
      lexeme.kind = Lexeme::Kind::end;
      lexeme.begin = lexeme.end = text.size();
      return lexeme;
    case TokenKind::word:
    case TokenKind::quoted_identifier:
      lexeme.kind = token.kind == TokenKind::word ? Lexeme::Kind::word : Lexeme::Kind::name;
      if (!identifier_name(token, lexeme.text)) not_understood(text);
      return lexeme;
    case TokenKind::string:
    case TokenKind::escape_string:
    case TokenKind::dollar_string:
      lexeme.kind = Lexeme::Kind::string;
      if (!string_value(token, lexeme.text)) not_understood(text);
      return lexeme;
    case TokenKind::number:
      lexeme.kind = Lexeme::Kind::number;
      return lexeme;
    case TokenKind::parameter:
      lexeme.kind = Lexeme::Kind::parameter;
      return lexeme;
    case TokenKind::unterminated:
      unterminated(token);
    case TokenKind::unicode_identifier:
    case TokenKind::unicode_string:
    case TokenKind::bit_string:
    case TokenKind::undecided:
      not_understood(text);
    default:
      return lexeme;
  }
}

}  // namespace

std::vector<Lexeme> read_lexemes(std::string_view text, SqlDialect dialect) {
  std::vector<Lexeme> lexemes;
  SqlTokenizer tokenizer(text, dialect);
  do {
    Lexeme lexeme = lexeme_of(tokenizer.next(), text);
    const bool continues = lexeme.text == ":" && !lexemes.empty() && lexemes.back().text == ":" &&
                           lexemes.back().end == lexeme.begin && lexemes.back().kind == Lexeme::Kind::symbol;
    if (continues) {
      lexemes.back().text = "::";
      lexemes.back().end = lexeme.end;
    } else {
      lexemes.push_back(std::move(lexeme));
    }
  } while (lexemes.back().kind != Lexeme::Kind::end);
  return lexemes;
}

const Lexeme& LexemeCursor::peek(std::size_t ahead) const {
  return at_ + ahead < lexemes_.size() ? lexemes_[at_ + ahead] : lexemes_.back();
}

const Lexeme& LexemeCursor::next() {
  const Lexeme& lexeme = peek();
  if (at_ + 1 < lexemes_.size()) ++at_;
  return lexeme;
}

bool LexemeCursor::sees(std::string_view word, std::size_t ahead) const {
  return peek(ahead).kind == Lexeme::Kind::word && peek(ahead).text == word;
}

bool LexemeCursor::sees_symbol(std::string_view symbol, std::size_t ahead) const {
  return peek(ahead).kind == Lexeme::Kind::symbol && peek(ahead).text == symbol;
}

bool LexemeCursor::take(std::string_view word) {
  if (!sees(word)) return false;
  next();
  return true;
}

bool LexemeCursor::take(std::string_view first, std::string_view second) {
  if (!sees(first) || !sees(second, 1)) return false;
  next();
  next();
  return true;
}

bool LexemeCursor::take_symbol(std::string_view symbol) {
  if (!sees_symbol(symbol)) return false;
  next();
  return true;
}

void LexemeCursor::expect(std::string_view word) {
  if (!take(word)) refuse();
}

void LexemeCursor::expect_symbol(std::string_view symbol) {
  if (!take_symbol(symbol)) refuse();
}

std::string LexemeCursor::expect_name() {
  if (peek().kind != Lexeme::Kind::word && peek().kind != Lexeme::Kind::name) refuse();
  return next().text;
}

std::string LexemeCursor::expect_string() {
  if (peek().kind != Lexeme::Kind::string) refuse();
  return next().text;
}

std::size_t LexemeCursor::expect_number() {
  if (peek().kind != Lexeme::Kind::number || peek().text.size() > 9) refuse();
  const std::string digits = next().text;
  if (digits.find_first_not_of("0123456789") != std::string::npos) refuse();
  return std::stoul(digits);
}

void LexemeCursor::skip_to(std::size_t offset) {
  while (!at_end() && peek().begin < offset) next();
}

void LexemeCursor::refuse() const {
  not_understood(text_);
}

}  // namespace pgweir::simulation
