// ErrorResponse ('E') and NoticeResponse ('N'): a list of fields, each a letter and a string, and a zero
// byte. (PostgreSQL documentation, 55.8 "Error and Notice Message Fields".) Pure functions: any thread.
#pragma once

#include <optional>
#include <string_view>

#include "protocol/bytes.hpp"

namespace pgweir {

struct ErrorFields {
  std::string_view severity = "ERROR";  // fields S and V: "ERROR", "FATAL", "WARNING", ...
  std::string_view code;                // SQLSTATE, five characters
  std::string_view message;
  std::string_view detail = {};  // left out when empty
  std::string_view hint = {};    // left out when empty
  std::string_view file = {};    // of PostgreSQL's source; likewise, and so the next
  std::string_view routine = {};
};

// Append one whole message. The texts must not contain NUL.
void write_error_response(ByteBuffer& out, const ErrorFields& fields);
void write_notice_response(ByteBuffer& out, const ErrorFields& fields);

// A body (without header) that was checked once. Views live as long as the body. A server may leave out any
// field, also the ones that are always present (PgBouncer CVE-2026-6666: crash on an error without SQLSTATE).
class ErrorView {
 public:
  // missing_terminator, truncated, trailing_bytes.
  static Errc parse(ByteView body, ErrorView& out);

  // The first field with this letter.
  std::optional<std::string_view> field(char letter) const;

  // Empty when absent. severity() prefers V, which is never translated.
  std::string_view severity() const;
  std::string_view code() const { return field('C').value_or(std::string_view{}); }
  std::string_view message() const { return field('M').value_or(std::string_view{}); }

 private:
  ByteView fields_;  // without the final zero byte
};

// Appends to `out` a copy of `body` in which each occurrence of `from` in the fields M, D and H became `to`;
// the other fields stay as they are. `from` should include what delimits it (the quotes around a statement's
// name), or "s1" is found inside "s10". An empty `from` copies. Errors as in ErrorView::parse, with `out`
// unchanged.
// `longer`: by how many characters the statement that the error is about became longer in front of the
// error's position (field P), which is moved back.
Errc rewrite_message(ByteView body, std::string_view from, std::string_view to, ByteBuffer& out,
                     std::int32_t longer = 0);

}  // namespace pgweir
