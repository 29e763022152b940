#include "bench/message_stream.hpp"

#include <algorithm>

#include <catch2/catch.hpp>

using namespace pgweir;
using namespace pgweir::bench;

namespace {

void feed(MessageStream& stream, ByteView bytes) {
  while (!bytes.empty()) {
    const auto area = stream.write_area();
    const std::size_t count = std::min(area.size(), bytes.size());
    std::copy_n(bytes.begin(), count, area.begin());
    stream.committed(count);
    bytes = bytes.subspan(count);
  }
}

ByteBuffer two_messages() {
  ByteBuffer bytes;
  Writer(bytes).begin_message('C').cstring("SELECT 1").end_message();
  Writer(bytes).begin_message('Z').u8('I').end_message();
  return bytes;
}

}  // namespace

TEST_CASE("messages come out whole when they arrive together") {
  MessageStream stream;
  feed(stream, two_messages());
  Message message;
  REQUIRE(stream.next(message) == MessageStream::Next::message);
  CHECK(message.type == 'C');
  CHECK(as_text(message.body) == std::string_view("SELECT 1\0", 9));
  REQUIRE(stream.next(message) == MessageStream::Next::message);
  CHECK(message.type == 'Z');
  CHECK(stream.next(message) == MessageStream::Next::need_more);
}

TEST_CASE("messages come out whole when they arrive byte by byte") {
  MessageStream stream;
  std::string types;
  for (const Byte byte : two_messages()) {
    feed(stream, ByteView(&byte, 1));
    Message message;
    while (stream.next(message) == MessageStream::Next::message) types += message.type;
  }
  CHECK(types == "CZ");
}

TEST_CASE("a message longer than one read is put together") {
  ByteBuffer bytes;
  const std::string text(100'000, 'x');
  Writer(bytes).begin_message('D').text(text).end_message();
  MessageStream stream;
  feed(stream, bytes);
  Message message;
  REQUIRE(stream.next(message) == MessageStream::Next::message);
  CHECK(as_text(message.body) == text);
}

TEST_CASE("impossible lengths are malformed, not waited for") {
  for (const std::uint32_t length : {0U, 3U, 0x7fffffffU, 0xffffffffU}) {
    ByteBuffer bytes;
    Writer(bytes).u8('Z').u32(length);
    MessageStream stream;
    feed(stream, bytes);
    Message message;
    CHECK(stream.next(message) == MessageStream::Next::malformed);
  }
}
