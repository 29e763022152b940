// Tokens of one text with their values, and the cursor over them that the parsers share.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "protocol/sql_tokenizer.hpp"

namespace pgweir::simulation {

struct Lexeme {
  enum class Kind { end, word, name, string, number, parameter, symbol };
  Kind kind = Kind::end;
  std::string text;  // a word in lower case, a quoted name or a string without its quotes, else as written
  std::size_t begin = 0;
  std::size_t end = 0;
};

// Throws 42601 for an unterminated string, as PostgreSQL's scanner does.
std::vector<Lexeme> read_lexemes(std::string_view text, SqlDialect dialect);

class LexemeCursor {
 public:
  LexemeCursor(std::string_view text, SqlDialect dialect)
      : text_(text), lexemes_(read_lexemes(text, dialect)) {}

  const Lexeme& peek(std::size_t ahead = 0) const;
  const Lexeme& next();
  bool at_end() const { return peek().kind == Lexeme::Kind::end; }
  bool sees(std::string_view word, std::size_t ahead = 0) const;
  bool sees_symbol(std::string_view symbol, std::size_t ahead = 0) const;
  // Takes the word, or the words, if they are next.
  bool take(std::string_view word);
  bool take(std::string_view first, std::string_view second);
  bool take_symbol(std::string_view symbol);
  // These must be next.
  void expect(std::string_view word);
  void expect_symbol(std::string_view symbol);
  std::string expect_name();
  std::string expect_string();
  std::size_t expect_number();

  std::string_view text() const { return text_; }
  std::size_t offset() const { return peek().begin; }
  // Where the last lexeme ended.
  std::size_t last_end() const { return at_ == 0 ? 0 : lexemes_[at_ - 1].end; }
  std::size_t position() const { return offset() + 1; }
  // Goes on behind this offset of the text.
  void skip_to(std::size_t offset);
  // What follows is beyond the model.
  [[noreturn]] void refuse() const;

 private:
  std::string_view text_;
  std::vector<Lexeme> lexemes_;
  std::size_t at_ = 0;
};

}  // namespace pgweir::simulation
