#include "protocol/error_response.hpp"

#include <charconv>
#include <string>

namespace pgweir {
namespace {

void write_fields(ByteBuffer& out, char type, const ErrorFields& fields) {
  Writer w(out);
  const auto field = [&w](char letter, std::string_view text) {
    w.u8(static_cast<std::uint8_t>(letter)).cstring(text);
  };
  w.begin_message(type);
  field('S', fields.severity);
  field('V', fields.severity);
  field('C', fields.code);
  field('M', fields.message);
  if (!fields.detail.empty()) field('D', fields.detail);
  if (!fields.hint.empty()) field('H', fields.hint);
  if (!fields.file.empty()) field('F', fields.file);
  if (!fields.routine.empty()) field('R', fields.routine);
  w.u8(0).end_message();
}

// Reads the next field, or its absence: letter 0.
Errc read_field(Reader& in, char& letter, std::string_view& text) {
  std::uint8_t code = 0;
  if (const Errc e = in.u8(code); e != Errc::ok) return e;
  letter = static_cast<char>(code);
  return code == 0 ? Errc::ok : in.cstring(text);
}

void append_replaced(ByteBuffer& out, std::string_view text, std::string_view from, std::string_view to) {
  Writer w(out);
  if (!from.empty()) {
    for (std::size_t at = text.find(from); at != std::string_view::npos; at = text.find(from)) {
      w.text(text.substr(0, at)).text(to);
      text.remove_prefix(at + from.size());
    }
  }
  w.text(text).u8(0);
}

}  // namespace

void write_error_response(ByteBuffer& out, const ErrorFields& fields) {
  write_fields(out, 'E', fields);
}

void write_notice_response(ByteBuffer& out, const ErrorFields& fields) {
  write_fields(out, 'N', fields);
}

Errc ErrorView::parse(ByteView body, ErrorView& out) {
  Reader in(body);
  char letter = 0;
  std::string_view text;
  do {
    if (const Errc e = read_field(in, letter, text); e != Errc::ok) return e;
  } while (letter != 0);
  if (const Errc e = in.end(); e != Errc::ok) return e;
  out.fields_ = body.first(body.size() - 1);
  return Errc::ok;
}

std::optional<std::string_view> ErrorView::field(char letter) const {
  Reader in(fields_);
  char found = 0;
  std::string_view text;
  while (!in.empty() && read_field(in, found, text) == Errc::ok) {
    if (found == letter) return text;
  }
  return std::nullopt;
}

std::string_view ErrorView::severity() const {
  if (const auto untranslated = field('V')) return *untranslated;
  return field('S').value_or(std::string_view{});
}

namespace {

// A number that is not understood stays as it is.
std::string moved_back(std::string_view position, std::int32_t by) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(position.data(), position.data() + position.size(), number);
  const bool understood = error == std::errc() && end == position.data() + position.size() && number > by;
  return understood ? std::to_string(number - by) : std::string(position);
}

}  // namespace

Errc rewrite_message(ByteView body, std::string_view from, std::string_view to, ByteBuffer& out,
                     std::int32_t longer) {
  ErrorView checked;
  if (const Errc e = ErrorView::parse(body, checked); e != Errc::ok) return e;
  Reader in(body);
  Writer w(out);
  char letter = 0;
  std::string_view text;
  while (read_field(in, letter, text) == Errc::ok && letter != 0) {
    const bool rewritten = letter == 'M' || letter == 'D' || letter == 'H';
    w.u8(static_cast<std::uint8_t>(letter));
    const std::string moved = letter == 'P' && longer != 0 ? moved_back(text, longer) : std::string();
    append_replaced(out, moved.empty() ? text : moved, rewritten ? from : std::string_view{}, to);
  }
  w.u8(0);
  return Errc::ok;
}

}  // namespace pgweir
