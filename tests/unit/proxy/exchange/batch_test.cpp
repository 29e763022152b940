#include "proxy/exchange/batch.hpp"

#include <catch2/catch.hpp>

#include "protocol/frontend.hpp"

using namespace pgweir;
using Type = BackendType;

namespace {

// The messages of a client, in order.
class Messages {
 public:
  Messages& bind(std::string_view portal, std::string_view statement, bool binary = false,
                 std::uint16_t formats = 1) {
    Writer writer(bytes_);
    writer.begin_message('B').cstring(portal).cstring(statement).u16(0).u16(0);
    writer.u16(formats);
    for (std::uint16_t i = 0; i < formats; ++i) writer.u16(binary ? 1 : 0);
    writer.end_message();
    return *this;
  }
  Messages& execute(std::string_view portal) {
    write_execute(bytes_, portal);
    return *this;
  }
  Messages& describe_portal(std::string_view portal) {
    Writer(bytes_).begin_message('D').u8('P').cstring(portal).end_message();
    return *this;
  }
  Messages& describe(std::string_view statement) {
    write_describe_statement(bytes_, statement);
    return *this;
  }
  Messages& query(std::string_view text) {
    write_query(bytes_, text);
    return *this;
  }
  operator ByteView() const { return bytes_; }  // NOLINT(google-explicit-constructor)

 private:
  ByteBuffer bytes_;
};

}  // namespace

TEST_CASE("a batch that is sent again gives the client each acknowledgement once") {
  Batch batch;
  CHECK(batch.note_reply(Type::ParseComplete));
  CHECK(batch.note_reply(Type::BindComplete));
  batch.leave_out_acknowledged();
  CHECK_FALSE(batch.note_reply(Type::ParseComplete));
  SECTION("it has failed sooner than before") {
    batch.leave_out_acknowledged();
    CHECK_FALSE(batch.note_reply(Type::ParseComplete));
  }
  CHECK_FALSE(batch.note_reply(Type::BindComplete));
  CHECK(batch.note_reply(Type::CloseComplete));
  // Sent again once more, three are left out.
  batch.leave_out_acknowledged();
  CHECK(batch.left_out == 3);
  CHECK_FALSE(batch.answered);
}

TEST_CASE("what shows the client a part of a batch's outcome cannot be taken back") {
  Batch batch;
  batch.note_reply(GENERATE(Type::DataRow, Type::CommandComplete, Type::RowDescription, Type::ErrorResponse,
                            Type::NoticeResponse, Type::PortalSuspended));
  CHECK(batch.answered);
}

TEST_CASE("a client that describes a statement before it runs it reads its rows by that") {
  CHECK(Batch::describes(Messages().describe("s").bind("", "s").execute(""), "s"));
  CHECK(Batch::describes(Messages().bind("", "s").describe_portal("").execute(""), "s"));
  CHECK(Batch::describes(Messages().query("execute s"), "s"));
}

TEST_CASE("a client that runs a statement without describing it first has an earlier description, or none") {
  CHECK_FALSE(Batch::describes(Messages().bind("", "s").execute(""), "s"));
  CHECK_FALSE(Batch::describes(Messages().bind("", "s").execute("").describe("s"), "s"));
  CHECK_FALSE(Batch::describes(Messages().bind("", "s").execute("").describe_portal(""), "s"));
  SECTION("it has described another one") {
    CHECK_FALSE(Batch::describes(Messages().describe("t").bind("", "s").execute(""), "s"));
    CHECK_FALSE(Batch::describes(
        Messages().bind("a", "s").bind("b", "s").describe_portal("a").execute("a").execute("b"), "s"));
  }
}

TEST_CASE("another statement of the batch need not be described") {
  CHECK(Batch::describes(
      Messages().bind("other", "t").execute("other").describe("s").bind("", "s").execute(""), "s"));
}

TEST_CASE("a Bind with a format for each column fits no other columns") {
  const Messages batch =
      Messages().bind("", "s", false).describe_portal("").execute("").bind("", "t", true, 2);
  CHECK_FALSE(Batch::counts_columns(batch, "s"));
  CHECK(Batch::counts_columns(batch, "t"));
}

TEST_CASE("a client that asks for a statement's rows in binary is told from one that asks for another's") {
  const Messages batch = Messages().bind("", "s", false).execute("").bind("", "t", true).execute("");
  CHECK_FALSE(Batch::reads_binary(batch, "s"));
  CHECK(Batch::reads_binary(batch, "t"));
  CHECK_FALSE(Batch::reads_binary(batch, "nothing"));
}
