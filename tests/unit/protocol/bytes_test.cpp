#include "protocol/bytes.hpp"

#include "tests/unit/protocol/parser_support.hpp"

using namespace pgweir;
using test::literal;

TEST_CASE("a reader returns big-endian integers and strings in order") {
  const ByteBuffer input = literal("\x01\x02\x03\xff\xfe\xfd\xfcname\0rest");
  Reader in(input);
  std::uint8_t one = 0;
  std::uint16_t two = 0;
  std::uint32_t four = 0;
  std::string_view name;
  REQUIRE(in.u8(one) == Errc::ok);
  REQUIRE(in.u16(two) == Errc::ok);
  REQUIRE(in.u32(four) == Errc::ok);
  REQUIRE(in.cstring(name) == Errc::ok);
  CHECK(one == 1);
  CHECK(two == 0x0203);
  CHECK(four == 0xfffefdfcu);
  CHECK(name == "name");
  CHECK(as_text(in.rest()) == "rest");
  CHECK(in.end() == Errc::trailing_bytes);
  CHECK(in.skip(4) == Errc::ok);
  CHECK(in.end() == Errc::ok);
}

TEST_CASE("a reader refuses a field that reaches past the end") {
  for (std::size_t size = 0; size < 4; ++size) {
    const ByteBuffer input(size, 1);
    INFO(size << " bytes");
    std::uint8_t one = 0;
    std::uint16_t two = 0;
    std::uint32_t four = 0;
    ByteView view;
    CHECK(Reader(input).u8(one) == (size < 1 ? Errc::truncated : Errc::ok));
    CHECK(Reader(input).u16(two) == (size < 2 ? Errc::truncated : Errc::ok));
    CHECK(Reader(input).u32(four) == Errc::truncated);
    CHECK(Reader(input).bytes(size, view) == Errc::ok);
    CHECK(Reader(input).bytes(size + 1, view) == Errc::truncated);
    CHECK(Reader(input).bytes(static_cast<std::size_t>(-1), view) == Errc::truncated);
  }
}

TEST_CASE("a reader refuses a string without its NUL") {
  const ByteBuffer input = literal("abc");
  std::string_view text;
  CHECK(Reader(input).cstring(text) == Errc::missing_terminator);
  CHECK(Reader(ByteView{}).cstring(text) == Errc::missing_terminator);
}

TEST_CASE("a writer fills in the length of typed and untyped messages") {
  ByteBuffer out = literal("kept");
  Writer w(out);
  w.begin_message('Q').cstring("hi").end_message();
  w.begin_untyped().u16(0x0102).u8(3).end_message();
  CHECK(out == literal("keptQ\0\0\0\x07hi\0\0\0\0\x07\x01\x02\x03"));
}

TEST_CASE("what a writer wrote, a reader reads") {
  ByteBuffer out;
  Writer(out).u8(7).u16(65535).u32(4294967295u).cstring("").text("x").raw(literal("\0y"));
  Reader in(out);
  std::uint8_t one = 0;
  std::uint16_t two = 0;
  std::uint32_t four = 0;
  std::string_view text = "unset";
  REQUIRE(in.u8(one) == Errc::ok);
  REQUIRE(in.u16(two) == Errc::ok);
  REQUIRE(in.u32(four) == Errc::ok);
  REQUIRE(in.cstring(text) == Errc::ok);
  CHECK(one == 7);
  CHECK(two == 65535);
  CHECK(four == 4294967295u);
  CHECK(text.empty());
  CHECK(in.rest().size() == 3);
}
