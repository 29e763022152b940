// Tokens of SQL text by the rules of PostgreSQL's scanner (documentation, chapter 4.1, "Lexical Structure"),
// and no grammar. It never allocates, never fails and looks at each byte a bounded number of times, whatever
// the bytes are.
//
// The text must be in an encoding in which no byte below 0x80 is part of a longer character (every server
// encoding is one; SJIS, BIG5, GBK, UHC, GB18030 and JOHAB as client encodings are not: do not judge text by
// these functions then). Where PostgreSQL reports a lexical error it runs nothing of the whole string, so it
// does not matter what follows one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace pgweir {

// What the meaning of a text depends on besides its bytes.
struct SqlDialect {
  // The session's setting. When off, '..' takes backslash escapes like E'..'.
  bool standard_conforming_strings = true;
};

enum class TokenKind : std::uint8_t {
  end,                 // nothing but whitespace and comments was left
  word,                // keyword or unquoted identifier
  quoted_identifier,   // "..."
  unicode_identifier,  // U&"...", with its UESCAPE
  string,              // '...' without backslash escapes; continuation lines are part of the token
  escape_string,       // E'...', or '...' when standard_conforming_strings is off
  unicode_string,      // U&'...', with its UESCAPE
  bit_string,          // B'...' or X'...'
  dollar_string,       // $tag$...$tag$
  number,              // without sign; may be malformed
  parameter,           // $1
  op,  // operator, also the single characters + - * / % < > = and the colons of casts and slices
  comma,
  dot,
  semicolon,
  open_paren,
  close_paren,
  open_bracket,
  close_bracket,
  other,         // a byte that no token starts with
  unterminated,  // string, identifier or dollar quote that reaches the end of the text; `end` follows
  undecided,  // a dollar quote whose tag is longer than dollar_tag_max; `end` follows, the rest was not read
};

struct Token {
  TokenKind kind = TokenKind::end;
  std::string_view text;   // raw, a view into the tokenizer's text
  std::size_t offset = 0;  // of `text` in the tokenizer's text
};

// Longest dollar-quote tag that is followed. PostgreSQL has no limit.
inline constexpr std::size_t dollar_tag_max = 128;
// NAMEDATALEN - 1: PostgreSQL cuts longer identifiers, with a notice.
inline constexpr std::size_t identifier_size_max = 63;

class SqlTokenizer {
 public:
  explicit SqlTokenizer(std::string_view text, SqlDialect dialect = {}) : text_(text), dialect_(dialect) {}

  // Skips whitespace and comments and returns the next token; `end` again and again at the end.
  Token next();
  // Where the next call starts to look.
  std::size_t position() const { return at_; }

 private:
  void skip_blank();
  Token finish(TokenKind kind, std::size_t start, std::size_t end);
  Token finish_unterminated(std::size_t start) {
    return finish(TokenKind::unterminated, start, text_.size());
  }
  Token word(std::size_t start);
  Token quoted(TokenKind kind, std::size_t start, std::size_t open);
  Token quoted_name(TokenKind kind, std::size_t start, std::size_t open);
  Token with_uescape(const Token& token);
  Token dollar(std::size_t start);
  Token number(std::size_t start);
  Token op(std::size_t start);

  std::string_view text_;
  SqlDialect dialect_;
  std::size_t at_ = 0;
};

// Character classes of the scanner.
bool is_sql_space(char c);
bool is_word_start(char c);  // letters, underscore, every byte above 0x7f
bool is_word_part(char c);   // and digits and '$'
bool is_operator_char(char c);

// Keywords are compared in ASCII, whatever the locale is. `lower` must be lower case.
inline bool folded_equals(std::string_view word, std::string_view lower) {
  if (word.size() != lower.size()) return false;
  for (std::size_t i = 0; i < word.size(); ++i) {
    const char c = word[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c) != lower[i]) return false;
  }
  return true;
}
// Finds `lower` anywhere in a text, also within a longer word.
inline bool folded_find(std::string_view text, std::string_view lower) {
  for (std::size_t at = 0; at + lower.size() <= text.size(); ++at) {
    if (folded_equals(text.substr(at, lower.size()), lower)) return true;
  }
  return false;
}
inline bool is_word(const Token& token, std::string_view lower) {
  return token.kind == TokenKind::word && folded_equals(token.text, lower);
}
// Whether the token is a string of any kind but B'...' and X'...'.
inline bool is_string(const Token& token) {
  return token.kind == TokenKind::string || token.kind == TokenKind::escape_string ||
         token.kind == TokenKind::unicode_string || token.kind == TokenKind::dollar_string;
}
std::string ascii_lower(std::string_view text);

// The name that PostgreSQL reads from a word or a quoted identifier: folded or unquoted, cut to
// identifier_size_max. False: only the server knows the name, as for an escape that is not ASCII, a word with
// bytes above 0x7f (folded by the server's locale in one-byte encodings), a cut that might fall into a
// multibyte character.
// `out` is then unspecified.
bool identifier_name(const Token& token, std::string& out);

// The value of a string of any kind but B'...' and X'...'. It is false for those, for malformed escapes, where
// a comment stands between two lines of it, and where the value depends on the server's encoding.
bool string_value(const Token& token, std::string& out);

}  // namespace pgweir
