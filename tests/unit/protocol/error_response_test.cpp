#include "protocol/error_response.hpp"

#include "tests/unit/protocol/parser_support.hpp"

using namespace pgweir;
using test::body_of;
using test::for_each_truncation;
using test::literal;

namespace {

const ErrorFields fields = {
    .severity = "ERROR", .code = "26000", .message = "no \"s1\"", .detail = "d \"s1\"", .hint = "h"};

ByteBuffer error_body(const ErrorFields& f) {
  ByteBuffer message;
  write_error_response(message, f);
  return body_of(message);
}

ByteBuffer rewritten(const ByteBuffer& body, std::string_view from, std::string_view to) {
  ByteBuffer out;
  REQUIRE(rewrite_message(body, from, to, out) == Errc::ok);
  return out;
}

}  // namespace

TEST_CASE("an error response has the documented bytes") {
  ByteBuffer error, notice;
  write_error_response(error, {.severity = "FATAL", .code = "57P01", .message = "bye"});
  write_notice_response(notice,
                        {.severity = "NOTICE", .code = "00000", .message = "m", .detail = "d", .hint = "h"});
  CHECK(error == literal("E\0\0\0\x1f"
                         "SFATAL\0VFATAL\0C57P01\0Mbye\0\0"));
  CHECK(notice == literal("N\0\0\0\x25"
                          "SNOTICE\0VNOTICE\0C00000\0Mm\0Dd\0Hh\0\0"));
}

TEST_CASE("fields are found by their letter") {
  const ByteBuffer body = error_body(fields);
  ErrorView view;
  REQUIRE(ErrorView::parse(body, view) == Errc::ok);
  CHECK(view.severity() == "ERROR");
  CHECK(view.code() == "26000");
  CHECK(view.message() == "no \"s1\"");
  CHECK(view.field('D') == "d \"s1\"");
  CHECK(view.field('H') == "h");
  CHECK(view.field('W') == std::nullopt);
  CHECK(view.field('\0') == std::nullopt);
}

TEST_CASE("CVE-2026-6666: an error without any field that should be there is read") {
  ErrorView view;
  const ByteBuffer nothing = literal("\0");
  REQUIRE(ErrorView::parse(nothing, view) == Errc::ok);
  CHECK(view.code().empty());
  CHECK(view.severity().empty());
  CHECK(view.message().empty());
  const ByteBuffer old = literal("SFEHLER\0Mx\0\0");
  REQUIRE(ErrorView::parse(old, view) == Errc::ok);
  CHECK(view.severity() == "FEHLER");
  CHECK(view.code().empty());
  CHECK(ErrorView().message().empty());
}

TEST_CASE("fields of unknown letters, empty and repeated fields are kept; the first one counts") {
  const ByteBuffer body = literal(
      "Mone\0Mtwo\0\xff"
      "x\0C\0\0");
  ErrorView view;
  REQUIRE(ErrorView::parse(body, view) == Errc::ok);
  CHECK(view.message() == "one");
  CHECK(view.field('\xff') == "x");
  CHECK(view.field('C') == "");
  CHECK(rewritten(body, "zzz", "y") == body);
}

TEST_CASE("broken error responses are refused, by the rewriter too") {
  const std::vector<std::pair<ByteBuffer, Errc>> cases = {
      {{}, Errc::truncated},
      {literal("M"), Errc::missing_terminator},
      {literal("Mx"), Errc::missing_terminator},
      {literal("Mx\0"), Errc::truncated},
      {literal("Mx\0\0y"), Errc::trailing_bytes},
      {literal("\0\0"), Errc::trailing_bytes},
  };
  for (const auto& [body, expected] : cases) {
    INFO(as_text(body));
    ErrorView view;
    CHECK(ErrorView::parse(body, view) == expected);
    ByteBuffer out = literal("kept");
    CHECK(rewrite_message(body, "a", "b", out) == expected);
    CHECK(out == literal("kept"));
  }
  for_each_truncation(error_body(fields), [](ByteView cut) {
    ErrorView view;
    CHECK(ErrorView::parse(cut, view) != Errc::ok);
  });
}

TEST_CASE("a statement's internal name is replaced in message, detail and hint only") {
  const ByteBuffer body =
      literal("C\"s1\"\0Mno \"s1\" and \"s1\"\0D\"s1\"\0Hnot \"s10\", \"s1\"\0F\"s1\"\0\0");
  CHECK(rewritten(body, "\"s1\"", "\"client's\"") ==
        literal("C\"s1\"\0Mno \"client's\" and \"client's\"\0D\"client's\"\0Hnot \"s10\", "
                "\"client's\"\0F\"s1\"\0\0"));
  CHECK(rewritten(body, "", "x") == body);
  CHECK(rewritten(body, "absent", "x") == body);
}

TEST_CASE("replacements do not meet their own output") {
  const ByteBuffer body = literal("Maaa\0\0");
  CHECK(rewritten(body, "a", "aa") == literal("Maaaaaa\0\0"));
  CHECK(rewritten(body, "aa", "") == literal("Ma\0\0"));
}
