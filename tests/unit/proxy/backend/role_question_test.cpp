#include "proxy/backend/role_question.hpp"

#include <catch2/catch.hpp>
#include <limits>

#include "protocol/error_response.hpp"
#include "protocol/message.hpp"

using namespace pgweir;
using Step = RoleReply::Step;
using Kind = RoleAnswer::Kind;

namespace {

using Row = std::vector<std::optional<std::string>>;

void add_row(ByteBuffer& out, const Row& row) {
  Writer writer(out);
  writer.begin_message('D').u16(static_cast<std::uint16_t>(row.size()));
  for (const auto& value : row) {
    writer.u32(value ? static_cast<std::uint32_t>(value->size()) : 0xffffffffU);
    if (value) writer.text(*value);
  }
  writer.end_message();
}
void add_error(ByteBuffer& out, std::string_view code) {
  ErrorFields fields;
  fields.severity = "ERROR";
  fields.code = code;
  fields.message = "m";
  write_error_response(out, fields);
}
void add_end(ByteBuffer& out, char status = 'I') {
  Writer(out).begin_message('Z').u8(static_cast<std::uint8_t>(status)).end_message();
}

// The last step; pieces are handed over one by one.
Step feed(RoleReply& reply, const ByteBuffer& bytes) {
  Framer framer(backend_rule);
  ByteView input = bytes;
  Piece piece;
  Step step = Step::go_on;
  while (step == Step::go_on && framer.next(input, piece) == FrameStatus::piece) step = reply.take(piece);
  return step;
}

RoleAnswer answer_to(const Row& row, std::string_view login_user = "app") {
  ByteBuffer bytes;
  add_row(bytes, row);
  add_end(bytes);
  RoleReply reply(login_user, 1);
  REQUIRE(feed(reply, bytes) == Step::done);
  return reply.answer();
}

}  // namespace

TEST_CASE("a row says whether the role may log in, and how long its password is good") {
  CHECK(answer_to({"app", "t", std::nullopt}) == RoleAnswer{Kind::may});
  CHECK(answer_to({"app", "t", "12.5"}) == RoleAnswer{Kind::may, 12.5});
  CHECK(answer_to({"app", "t", "-3e+08"}) == RoleAnswer{Kind::may, -3e8});
  CHECK(answer_to({"app", "t", "Infinity"}).seconds_left == std::numeric_limits<double>::infinity());
  CHECK(answer_to({"app", "t", "-Infinity"}).seconds_left == -std::numeric_limits<double>::infinity());
  CHECK(answer_to({"app", "f", "12.5"}) == RoleAnswer{Kind::no_login});
}

TEST_CASE("a role that was renamed is gone, and a name in another encoding is not taken for another") {
  CHECK(answer_to({"new", "t", std::nullopt}) == RoleAnswer{Kind::gone});
  CHECK(answer_to({"b\xe4r", "t", std::nullopt}, "b\xc3\xa4r") == RoleAnswer{Kind::may});
}

TEST_CASE("a role that is not there is gone; another error tells nothing") {
  RoleReply none("app", 1);
  ByteBuffer bytes;
  add_end(bytes);
  CHECK(feed(none, bytes) == Step::done);
  CHECK(none.answer().kind == Kind::gone);
  const auto [code, kind] = GENERATE(std::pair{"42704", Kind::gone}, std::pair{"42501", Kind::unknown});
  bytes.clear();
  add_error(bytes, code);
  add_end(bytes);
  RoleReply reply("app", 1);
  CHECK(feed(reply, bytes) == Step::done);
  CHECK(reply.answer().kind == kind);
}

TEST_CASE("what is asked before the question may return rows and must not fail") {
  ByteBuffer bytes;
  add_row(bytes, {"UTC"});
  add_end(bytes);
  add_row(bytes, {"app", "f", std::nullopt});
  add_end(bytes);
  RoleReply reply("app", 2);
  CHECK(feed(reply, bytes) == Step::done);
  CHECK(reply.answer().kind == Kind::no_login);
  bytes.clear();
  add_error(bytes, "42501");
  RoleReply failing("app", 2);
  CHECK(feed(failing, bytes) == Step::broken);
}

TEST_CASE("an answer of another shape is of no use, nor is a backend that is in a transaction") {
  const auto broken = [](const std::vector<Row>& rows, char status) {
    ByteBuffer bytes;
    for (const Row& row : rows) add_row(bytes, row);
    add_end(bytes, status);
    RoleReply reply("app", 1);
    return feed(reply, bytes) == Step::broken;
  };
  const Row good{"app", "t", std::nullopt};
  CHECK_FALSE(broken({good}, 'I'));
  CHECK(broken({good}, 'T'));
  CHECK(broken({good, good}, 'I'));
  CHECK(broken({{"app", "t"}}, 'I'));
  CHECK(broken({{"app", "t", "1", "2"}}, 'I'));
}
