#include "protocol/frontend.hpp"

#include <catch2/catch.hpp>
#include <string>

#include "protocol/message.hpp"

namespace pgweir {
namespace {

using namespace std::string_literals;

ByteView body_of(const std::string& text) {
  return as_bytes(text);
}

TEST_CASE("Query is one string and nothing behind it", "[frontend]") {
  QueryView q;
  const std::string good = "select 1\0"s;
  REQUIRE(parse_query(body_of(good), q) == Errc::ok);
  CHECK(q.text == "select 1");
  CHECK(parse_query(body_of("\0"s), q) == Errc::ok);
  CHECK(q.text.empty());
  CHECK(parse_query({}, q) == Errc::missing_terminator);
  CHECK(parse_query(body_of("select 1"s), q) == Errc::missing_terminator);  // X56
  CHECK(parse_query(body_of("a\0b"s), q) == Errc::trailing_bytes);
}

TEST_CASE("Parse counts its parameter types", "[frontend]") {
  ParseView p;
  const std::string good = "s\0select $1\0\0\1\0\0\0\x17"s;
  REQUIRE(parse_parse(body_of(good), p) == Errc::ok);
  CHECK(p.name == "s");
  CHECK(p.text == "select $1");
  CHECK(as_text(p.parameter_types) == "\0\1\0\0\0\x17"s);
  for (std::size_t n = 0; n < good.size(); ++n) {
    INFO("cut to " << n);
    CHECK(parse_parse(body_of(good).first(n), p) != Errc::ok);
  }
  CHECK(parse_parse(body_of(good + "x"), p) == Errc::trailing_bytes);  // X58
  CHECK(parse_parse(body_of("s\0x\0\xff\xff\0\0\0\0"s), p) == Errc::truncated);
}

TEST_CASE("Bind shows its two names, also of a part", "[frontend]") {
  BindView b;
  const std::string good = "p\0s\0\0\0\0\0\0\0"s;
  REQUIRE(parse_bind(body_of(good), b) == Errc::ok);
  CHECK(b.portal == "p");
  CHECK(b.statement == "s");
  CHECK(b.rest.size() == 6);
  CHECK(parse_bind(body_of(good).first(4), b) == Errc::ok);
  for (std::size_t n = 0; n < 4; ++n)
    CHECK(parse_bind(body_of(good).first(n), b) == Errc::missing_terminator);
}

TEST_CASE("Describe and Close name a kind and a target", "[frontend]") {
  TargetView t;
  const std::string good = "Sname\0"s;
  REQUIRE(parse_target(body_of(good), t) == Errc::ok);
  CHECK(t.kind == 'S');
  CHECK(t.name == "name");
  CHECK(parse_target({}, t) == Errc::truncated);
  CHECK(parse_target(body_of("S"s), t) == Errc::missing_terminator);
  CHECK(parse_target(body_of("Sname"s), t) == Errc::missing_terminator);
  CHECK(parse_target(body_of(good + "x"), t) == Errc::trailing_bytes);
}

TEST_CASE("Execute names a portal and a row limit", "[frontend]") {
  ExecuteView e;
  const std::string good = "p\0\0\0\1\2"s;
  REQUIRE(parse_execute(body_of(good), e) == Errc::ok);
  CHECK(e.portal == "p");
  CHECK(e.row_limit == 258);
  for (std::size_t n = 0; n < good.size(); ++n) CHECK(parse_execute(body_of(good).first(n), e) != Errc::ok);
  CHECK(parse_execute(body_of(good + "x"), e) == Errc::trailing_bytes);
}

TEST_CASE("what we write is what PostgreSQL expects", "[frontend]") {
  const auto written = [](auto write) {
    ByteBuffer out;
    write(out);
    return std::string(as_text(out));
  };
  CHECK(written([](auto& o) { write_query(o, "x"); }) == "Q\0\0\0\6x\0"s);
  CHECK(written([](auto& o) { write_parse(o, "n", "x", as_bytes(std::string_view("\0\0", 2))); }) ==
        "P\0\0\0\012n\0x\0\0\0"s);
  CHECK(written([](auto& o) { write_bind_head(o, "p", "n", 6); }) == "B\0\0\0\016p\0n\0"s);
  CHECK(written([](auto& o) { write_describe_statement(o, "n"); }) == "D\0\0\0\7Sn\0"s);
  CHECK(written([](auto& o) { write_close_statement(o, "n"); }) == "C\0\0\0\7Sn\0"s);
  CHECK(written([](auto& o) { write_close_portal(o, "n"); }) == "C\0\0\0\7Pn\0"s);
  CHECK(written([](auto& o) { write_sync(o); }) == "S\0\0\0\4"s);
  CHECK(written([](auto& o) { write_flush(o); }) == "H\0\0\0\4"s);
  CHECK(written([](auto& o) { write_copy_fail(o, "no"); }) == "f\0\0\0\7no\0"s);
  CHECK(written([](auto& o) { write_sync(o), write_flush(o); }) == "S\0\0\0\4H\0\0\0\4"s);
}

TEST_CASE("identifiers are cut where PostgreSQL cuts them", "[frontend]") {
  CHECK(truncate_identifier(std::string(62, 'a')).size() == 62);
  CHECK(truncate_identifier(std::string(63, 'a')).size() == 63);
  CHECK(truncate_identifier(std::string(64, 'a')).size() == 63);
  CHECK(truncate_identifier("").empty());
}

}  // namespace
}  // namespace pgweir
