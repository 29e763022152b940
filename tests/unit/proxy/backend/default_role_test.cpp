#include "proxy/backend/default_role.hpp"

#include <catch2/catch.hpp>

#include "protocol/error_response.hpp"

using namespace pgweir;
using RoleStep = DefaultRoleReply::Step;

namespace {

ByteBuffer role_answer(std::string_view role, char status = 'I', std::string_view place = "0") {
  ByteBuffer out;
  Writer(out).begin_message('T').u16(0).end_message();
  Writer row(out);
  row.begin_message('D').u16(2).u32(static_cast<std::uint32_t>(role.size())).text(role);
  row.u32(static_cast<std::uint32_t>(place.size())).text(place).end_message();
  Writer(out).begin_message('C').cstring("SELECT 1").end_message();
  Writer(out).begin_message('Z').u8(static_cast<std::uint8_t>(status)).end_message();
  return out;
}

RoleStep feed_role(DefaultRoleReply& reply, ByteView bytes) {
  Framer framer(backend_rule);
  Piece piece;
  RoleStep step = RoleStep::go_on;
  while (step == RoleStep::go_on && framer.next(bytes, piece) == FrameStatus::piece) step = reply.take(piece);
  return step;
}

}  // namespace

TEST_CASE("a login's role is what the server says right after it") {
  DefaultRoleReply none;
  CHECK(feed_role(none, role_answer("none")) == RoleStep::done);
  CHECK(none.role() == "none");
  DefaultRoleReply other;
  CHECK(feed_role(other, role_answer("owner")) == RoleStep::done);
  CHECK(other.role() == "owner");
  CHECK_FALSE(other.path_is_temporary());
}

TEST_CASE("a login whose search_path has the temporary schema") {
  DefaultRoleReply reply;
  CHECK(feed_role(reply, role_answer("none", 'I', "9")) == RoleStep::done);
  CHECK(reply.path_is_temporary());
}

TEST_CASE("an answer to another question is none") {
  DefaultRoleReply no_row;
  ByteBuffer ready;
  Writer(ready).begin_message('Z').u8('I').end_message();
  CHECK(feed_role(no_row, ready) == RoleStep::broken);
  DefaultRoleReply in_transaction;
  CHECK(feed_role(in_transaction, role_answer("none", 'T')) == RoleStep::broken);
  DefaultRoleReply error;
  ByteBuffer refused;
  ErrorFields fields;
  fields.code = "42501";
  fields.message = "m";
  write_error_response(refused, fields);
  CHECK(feed_role(error, refused) == RoleStep::broken);
}

TEST_CASE("the answer may come byte by byte") {
  const ByteBuffer whole = role_answer("owner");
  DefaultRoleReply reply;
  Framer framer(backend_rule);
  ByteBuffer carry;
  RoleStep step = RoleStep::go_on;
  for (const Byte byte : whole) {
    carry.push_back(byte);
    ByteView input = carry;
    Piece piece;
    while (step == RoleStep::go_on && framer.next(input, piece) == FrameStatus::piece)
      step = reply.take(piece);
    carry.assign(input.begin(), input.end());
  }
  CHECK(step == RoleStep::done);
  CHECK(reply.role() == "owner");
}
