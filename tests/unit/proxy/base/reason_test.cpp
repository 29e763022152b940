#include "proxy/base/reason.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>
#include <string>

#include "protocol/error_response.hpp"
#include "protocol/message.hpp"

using namespace pgweir;

namespace {

Reason reason(std::size_t i) {
  return static_cast<Reason>(i);
}

ErrorView parsed(const ByteBuffer& message) {
  REQUIRE(message.size() > message_header_size);
  ErrorView view;
  REQUIRE(ErrorView::parse(ByteView(message).subspan(message_header_size), view) == Errc::ok);
  return view;
}

}  // namespace

TEST_CASE("every reason has a name of its own, fit for a metric label") {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < reason_count; ++i) {
    const std::string_view name = text_of(reason(i)).name;
    INFO(i << " " << name);
    CHECK_FALSE(name.empty());
    CHECK(std::all_of(name.begin(), name.end(), [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; }));
    CHECK(names.insert(name).second);
  }
}

TEST_CASE("every reason that a client is told has a SQLSTATE and a sentence, and no other has") {
  for (std::size_t i = 0; i < reason_count; ++i) {
    const ReasonText& text = text_of(reason(i));
    INFO(text.name);
    if (text.severity.empty()) {
      CHECK(text.sqlstate.empty());
      CHECK(text.message.empty());
      continue;
    }
    CHECK((text.severity == "FATAL" || text.severity == "ERROR"));
    CHECK(text.sqlstate.size() == 5);
    CHECK_FALSE(text.message.empty());
  }
}

TEST_CASE("the table is in the order of the enum") {
  CHECK(text_of(Reason::terminated).name == "terminated");
  CHECK(text_of(Reason::bad_startup).name == "bad_startup");
  CHECK(text_of(Reason::server_error).name == "server_error");
  CHECK(text_of(Reason::borrow_timeout).name == "borrow_timeout");
  CHECK(text_of(Reason::cancelled).name == "cancelled");
  CHECK(text_of(Reason::client_write_timeout).name == "client_write_timeout");
  CHECK(text_of(Reason::draining).name == "draining");
  CHECK(text_of(Reason::internal_error).name == "internal_error");
}

TEST_CASE("the SQLSTATEs that clients act upon") {
  CHECK(text_of(Reason::too_many_clients).sqlstate == "53300");
  CHECK(text_of(Reason::borrow_timeout).sqlstate == "53300");
  CHECK(text_of(Reason::cancelled).sqlstate == "57014");
  CHECK(text_of(Reason::draining).sqlstate == "57P01");
  CHECK(text_of(Reason::server_unreachable).sqlstate == "57P03");
  CHECK(text_of(Reason::server_lost).sqlstate == "08006");
  CHECK(text_of(Reason::authentication_failed).sqlstate == "28P01");
  CHECK(text_of(Reason::no_such_database).sqlstate == "3D000");
  CHECK(text_of(Reason::idle_transaction_timeout).sqlstate == "25P03");
  CHECK(text_of(Reason::protocol_violation).sqlstate == "08P01");
  CHECK(text_of(Reason::not_supported).sqlstate == "0A000");
}

TEST_CASE("a reason becomes an ErrorResponse with the table's words, or with those that are given") {
  ByteBuffer out;
  write_reason(out, Reason::draining);
  const ErrorView plain = parsed(out);
  CHECK(plain.severity() == "FATAL");
  CHECK(plain.code() == "57P01");
  CHECK(plain.message() == "terminating connection due to administrator command");

  ByteBuffer named;
  write_reason(named, Reason::bad_settings, "no such schema", "3F000");
  const ErrorView given = parsed(named);
  CHECK(given.code() == "3F000");
  CHECK(given.message() == "no such schema");

  ByteBuffer ends;
  write_reason(ends, Reason::borrow_timeout, {}, {}, "FATAL");
  CHECK(parsed(ends).severity() == "FATAL");
}

TEST_CASE("a client that finds no room is told which setting that is") {
  CHECK(text_of(Reason::too_many_clients).message.find("listen.max_clients") != std::string_view::npos);
}

TEST_CASE("a silent reason writes nothing") {
  ByteBuffer out;
  write_reason(out, Reason::client_lost, "a message all the same");
  CHECK(out.empty());
}
