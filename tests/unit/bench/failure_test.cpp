#include "bench/failure.hpp"

#include <cerrno>

#include <boost/asio/error.hpp>
#include <catch2/catch.hpp>

using namespace pgweir;
using namespace pgweir::bench;

namespace {

ByteView body(std::string_view text) {
  return as_bytes(text);
}

}  // namespace

TEST_CASE("an ErrorResponse becomes its SQLSTATE and message") {
  using namespace std::string_view_literals;
  const Failure failure = failure_from_error_response(
      body("SFATAL\0C53300\0Msorry, too many clients already\0\0"sv), Stage::logging_in);
  CHECK(failure.code == "53300");
  CHECK(failure.text == "sorry, too many clients already");
  CHECK(failure.stage == Stage::logging_in);
}

TEST_CASE("an ErrorResponse without SQLSTATE, or cut short, is still a failure") {
  using namespace std::string_view_literals;
  CHECK(failure_from_error_response(body("Mwhat\0\0"sv), Stage::idle).code == "NO SQLSTATE");
  CHECK(failure_from_error_response(body("C533"sv), Stage::idle).code == "PROTOCOL");
  CHECK(failure_from_error_response(body(""sv), Stage::idle).code == "PROTOCOL");
}

TEST_CASE("control characters of a server do not reach the terminal") {
  using namespace std::string_view_literals;
  const Failure failure = failure_from_error_response(body("CXX000\0M\x1b[31mred\n\0\0"sv), Stage::querying);
  CHECK(failure.text == " [31mred ");
}

TEST_CASE("system errors carry their errno name") {
  const boost::system::error_code refused(ECONNREFUSED, boost::system::system_category());
  CHECK(failure_from_system(refused, Stage::connecting).code == "ECONNREFUSED");
  const boost::system::error_code no_port(EADDRNOTAVAIL, boost::system::system_category());
  CHECK(failure_from_system(no_port, Stage::connecting).code == "EADDRNOTAVAIL");
  CHECK(failure_from_system(boost::asio::error::eof, Stage::querying).code == "EOF");
}

TEST_CASE("equal failures are counted together, the most frequent first") {
  FailureTable table;
  table.add({"ECONNREFUSED", "Connection refused", Stage::connecting});
  for (int i = 0; i < 3; ++i) table.add({"53300", "too many", Stage::logging_in});
  table.add({"53300", "too many", Stage::querying});
  const auto rows = table.sorted();
  REQUIRE(rows.size() == 3);
  CHECK(rows[0].count == 3);
  CHECK(rows[0].failure.code == "53300");
  CHECK(rows[0].failure.stage == Stage::logging_in);
}

TEST_CASE("a server that varies its message does not fill the table") {
  FailureTable table;
  for (int i = 0; i < 1000; ++i) table.add({"58000", "process " + std::to_string(i), Stage::querying});
  const auto rows = table.sorted();
  CHECK(rows.size() == FailureTable::groups_max + 1);
  CHECK(rows[0].count == 1000 - FailureTable::groups_max);
  CHECK(rows[0].failure.text == "(other messages)");
}
