// Reads a text token by token with one token of look-ahead, for the small parsers of statements. Internal to
// protocol/.
#pragma once

#include <string_view>

#include "protocol/sql_tokenizer.hpp"

namespace pgweir {

class SqlCursor {
 public:
  SqlCursor(std::string_view text, SqlDialect dialect)
      : tokens_(text, dialect), current_(tokens_.next()), following_(tokens_.next()) {}

  const Token& current() const { return current_; }
  const Token& following() const { return following_; }
  void advance() {
    current_ = following_;
    following_ = tokens_.next();
  }

  bool at(TokenKind kind) const { return current_.kind == kind; }
  bool at_word(std::string_view lower) const { return is_word(current_, lower); }
  bool accept(TokenKind kind) {
    if (!at(kind)) return false;
    advance();
    return true;
  }
  bool accept_word(std::string_view lower) {
    if (!at_word(lower)) return false;
    advance();
    return true;
  }
  // Whether nothing but semicolons may be left of the statement; more than that would be a second statement.
  bool at_statement_end() const { return at(TokenKind::end) || at(TokenKind::semicolon); }
  bool finish() {
    while (accept(TokenKind::semicolon)) {
    }
    return at(TokenKind::end);
  }
  // Skips the rest of the statement. False when the text holds a second one, or cannot be followed to its
  // end.
  bool skip_statement() {
    std::size_t parens = 0;
    for (; !at(TokenKind::end); advance()) {
      if (at(TokenKind::unterminated) || at(TokenKind::undecided)) return false;
      if (at(TokenKind::semicolon) && parens == 0) return finish();
      if (at(TokenKind::open_paren)) ++parens;
      if (at(TokenKind::close_paren) && parens > 0) --parens;
    }
    return true;
  }
  // At an opening parenthesis: skips to after its partner and returns what is between the two. False when
  // there is no partner.
  bool parenthesized(std::string_view text, std::string_view& content) {
    const std::size_t start = current_.offset + 1;
    std::size_t parens = 0;
    for (; !at(TokenKind::end); advance()) {
      if (at(TokenKind::open_paren)) ++parens;
      if (!at(TokenKind::close_paren) || --parens > 0) continue;
      content = text.substr(start, current_.offset - start);
      advance();
      return true;
    }
    return false;
  }

 private:
  SqlTokenizer tokens_;
  Token current_;
  Token following_;
};

}  // namespace pgweir
