#include "protocol/backend.hpp"

#include <catch2/catch.hpp>
#include <string>

namespace pgweir {
namespace {

using namespace std::string_literals;

TEST_CASE("ParameterStatus is two strings", "[backend]") {
  ParameterStatusView v;
  const std::string good = "TimeZone\0UTC\0"s;
  REQUIRE(parse_parameter_status(as_bytes(good), v) == Errc::ok);
  CHECK(v.name == "TimeZone");
  CHECK(v.value == "UTC");
  for (std::size_t n = 0; n < good.size(); ++n) {
    CHECK(parse_parameter_status(as_bytes(good).first(n), v) == Errc::missing_terminator);
  }
  CHECK(parse_parameter_status(as_bytes(good + "x"), v) == Errc::trailing_bytes);
  CHECK(parse_parameter_status(as_bytes("\0\0"s), v) == Errc::ok);
}

TEST_CASE("a command tag is one string", "[backend]") {
  std::string_view tag;
  const std::string good = "INSERT 0 1\0"s;
  REQUIRE(parse_command_tag(as_bytes(good), tag) == Errc::ok);
  CHECK(tag == "INSERT 0 1");
  CHECK(parse_command_tag({}, tag) == Errc::missing_terminator);
  CHECK(parse_command_tag(as_bytes("SET"), tag) == Errc::missing_terminator);
  CHECK(parse_command_tag(as_bytes("SET\0x"s), tag) == Errc::trailing_bytes);
}

TEST_CASE("ReadyForQuery knows three states", "[backend]") {
  auto status = TransactionStatus::idle;
  for (int c = 0; c < 256; ++c) {
    const Byte body[] = {static_cast<Byte>(c)};
    const bool known = c == 'I' || c == 'T' || c == 'E';
    CHECK((parse_ready_for_query(body, status) == Errc::ok) == known);
    if (known) CHECK(static_cast<char>(status) == static_cast<char>(c));
  }
  CHECK(parse_ready_for_query({}, status) == Errc::length_out_of_range);
  CHECK(parse_ready_for_query(as_bytes("II"), status) == Errc::length_out_of_range);
}

TEST_CASE("DataRow columns: text, empty, NULL", "[backend]") {
  const std::string good = "\0\3\0\0\0\2ab\0\0\0\0\xff\xff\xff\xff"s;
  DataRowReader row(as_bytes(good));
  std::uint16_t columns = 0;
  REQUIRE(row.begin(columns) == Errc::ok);
  CHECK(columns == 3);
  Column c;
  REQUIRE(row.next(c) == Errc::ok);
  CHECK(as_text(c.value) == "ab");
  REQUIRE(row.next(c) == Errc::ok);
  CHECK((c.value.empty() && !c.is_null));
  REQUIRE(row.next(c) == Errc::ok);
  CHECK((c.value.empty() && c.is_null));
  CHECK(row.next(c) == Errc::truncated);
}

TEST_CASE("DataRow columns that reach past the row are refused", "[backend]") {
  for (const std::string& body : {"\0"s, "\0\1"s, "\0\1\0\0\0"s, "\0\1\0\0\0\2a"s, "\0\1\x7f\xff\xff\xff"s,
                                  "\0\1\xff\xff\xff\xfe"
                                  "abc"s,
                                  "\0\1\x80\0\0\0a"s}) {
    DataRowReader row(as_bytes(body));
    std::uint16_t columns = 0;
    Column c;
    const Errc begun = row.begin(columns);
    CHECK((begun == Errc::truncated || row.next(c) == Errc::truncated));
  }
}

}  // namespace
}  // namespace pgweir
