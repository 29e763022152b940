#include "protocol/framer.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

namespace pgweir {
namespace {

ByteBuffer message(char type, std::size_t body_size, char fill = 'x') {
  ByteBuffer out;
  Writer w(out);
  w.begin_message(type).text(std::string(body_size, fill)).end_message();
  return out;
}

ByteBuffer header(char type, std::uint32_t length) {
  ByteBuffer out;
  Writer(out).u8(static_cast<std::uint8_t>(type)).u32(length);
  return out;
}

struct Limits {
  char type;
  std::uint32_t body_min, body_max, whole_max;
};

constexpr std::uint32_t gib = 0x3fffffff - 1;  // MaxAllocSize - 1
const Limits frontend_limits[] = {{'Q', 0, gib - 4, 16'384}, {'P', 0, 64 << 20, 64 << 20},
                                  {'B', 0, gib - 4, 16'384}, {'E', 0, 9'996, 9'996},
                                  {'D', 0, 9'996, 9'996},    {'C', 0, 9'996, 9'996},
                                  {'S', 0, 9'996, 9'996},    {'H', 0, 0, 0},
                                  {'X', 0, 9'996, 9'996},    {'c', 0, 9'996, 9'996},
                                  {'f', 0, 9'996, 9'996},    {'d', 0, gib - 4, 0},
                                  {'F', 0, gib - 4, 16'384}};
const Limits backend_limits[] = {{'1', 0, 0, 0},
                                 {'2', 0, 0, 0},
                                 {'3', 0, 0, 0},
                                 {'n', 0, 0, 0},
                                 {'s', 0, 0, 0},
                                 {'I', 0, 0, 0},
                                 {'c', 0, 0, 0},
                                 {'Z', 1, 1, 1},
                                 {'D', 0, gib, 0},
                                 {'d', 0, gib, 0},
                                 {'T', 0, gib, 16'384},
                                 {'t', 0, gib, 16'384},
                                 {'E', 0, gib, 16'384},
                                 {'N', 0, gib, 16'384},
                                 {'V', 0, gib, 16'384},
                                 {'C', 0, 1 << 20, 1 << 20},
                                 {'G', 0, 1 << 20, 1 << 20},
                                 {'H', 0, 1 << 20, 1 << 20},
                                 {'W', 0, 1 << 20, 1 << 20},
                                 {'S', 0, 1 << 20, 1 << 20},
                                 {'A', 0, 1 << 20, 1 << 20},
                                 {'R', 0, 1 << 20, 1 << 20},
                                 {'K', 0, 1 << 20, 1 << 20},
                                 {'v', 0, 1 << 20, 1 << 20}};

Errc refusal(const LengthRules& rule_of, ByteView input) {
  Framer framer(rule_of);
  Piece piece;
  while (framer.next(input, piece) == FrameStatus::piece) {
  }
  return framer.errc();
}

template <std::size_t N>
void check_limits(const LengthRules& rule_of, const Limits (&table)[N]) {
  for (const Limits& row : table) {
    INFO("type " << row.type);
    REQUIRE(rule_of(row.type) != nullptr);
    for (std::uint32_t length = 0; length < 4; ++length) {
      CHECK(refusal(rule_of, header(row.type, length)) == Errc::length_out_of_range);
    }
    for (const std::uint32_t length : {0x80000000U, 0xffffffffU}) {
      CHECK(refusal(rule_of, header(row.type, length)) == Errc::length_out_of_range);
    }
    const Errc above = row.type == 'P' ? Errc::too_large : Errc::length_out_of_range;
    CHECK(refusal(rule_of, header(row.type, row.body_max + 5)) == above);
    if (row.body_min > 0) {
      CHECK(refusal(rule_of, header(row.type, row.body_min + 3)) == Errc::length_out_of_range);
    }
    CHECK(refusal(rule_of, header(row.type, row.body_min + 4)) == Errc::ok);
    CHECK(refusal(rule_of, header(row.type, row.body_max + 4)) == Errc::ok);
  }
}

TEST_CASE("a Parse that only PostgreSQL would take is too large, one that nobody would is malformed",
          "[framer]") {
  CHECK(refusal(frontend_rule, header('P', gib)) == Errc::too_large);
  CHECK(refusal(frontend_rule, header('P', gib + 1)) == Errc::length_out_of_range);
}

TEST_CASE("lengths are refused exactly where PostgreSQL's limits are", "[framer]") {
  check_limits(frontend_rule, frontend_limits);
  check_limits(backend_rule, backend_limits);
}

TEST_CASE("types that a side must not send are refused at their first byte", "[framer]") {
  const auto check = [](const LengthRules& rule_of, const std::string& known) {
    for (int type = 0; type < 256; ++type) {
      const Byte first[] = {static_cast<Byte>(type)};
      const bool expected = known.find(static_cast<char>(type)) != std::string::npos;
      INFO("type " << type);
      CHECK(refusal(rule_of, first) == (expected ? Errc::ok : Errc::unknown_message));
    }
  };
  check(frontend_rule, "QPBEDCSHXcfdF");  // X61: a password after the login is none of them
  check(backend_rule, "123nsIcZDdTtENVCGHWSARKv");
}

// Offers `stream` in reads of `chunk` bytes; each piece as type, first, last, bytes.
struct Seen {
  char type;
  bool first, last;
  std::size_t bytes;
  bool operator==(const Seen&) const = default;
};

std::vector<Seen> cut(const LengthRules& rule_of, ByteView stream, std::size_t chunk) {
  Framer framer(rule_of);
  std::vector<Seen> seen;
  std::size_t consumed = 0;
  for (std::size_t offered = 0; offered < stream.size();) {
    offered = std::min(stream.size(), offered + chunk);
    ByteView input = stream.subspan(consumed, offered - consumed);
    Piece piece;
    while (framer.next(input, piece) == FrameStatus::piece) {
      CHECK(piece.bytes.data() == stream.data() + consumed);
      consumed += piece.bytes.size();
      seen.push_back({piece.type, piece.first, piece.last, piece.bytes.size()});
      CHECK(framer.at_boundary() == piece.last);
    }
    CHECK(framer.errc() == Errc::ok);
    CHECK(consumed + input.size() == offered);
  }
  CHECK(consumed == stream.size());
  return seen;
}

TEST_CASE("each type at its smallest and just below its whole size, at any cut", "[framer]") {
  const auto check = [](const LengthRules& rule_of, const Limits& row) {
    for (const std::uint32_t size : {row.body_min, std::min(row.whole_max, 20'000U)}) {
      const ByteBuffer bytes = message(row.type, size);
      for (const std::size_t chunk :
           {std::size_t{1}, std::size_t{4}, std::size_t{5}, std::size_t{6}, bytes.size()}) {
        INFO("type " << row.type << " body " << size << " chunk " << chunk);
        if (size > row.whole_max) continue;
        CHECK(cut(rule_of, bytes, chunk) == std::vector<Seen>{{row.type, true, true, bytes.size()}});
      }
    }
  };
  for (const Limits& row : frontend_limits) check(frontend_rule, row);
  for (const Limits& row : backend_limits) check(backend_rule, row);
}

TEST_CASE("several messages in one read, and each byte a read of its own", "[framer]") {
  ByteBuffer stream;
  for (const auto& [type, size] : {std::pair{'P', 10}, {'B', 12}, {'D', 2}, {'E', 5}, {'S', 0}}) {
    const ByteBuffer m = message(type, static_cast<std::size_t>(size));
    stream.insert(stream.end(), m.begin(), m.end());
  }
  const std::vector<Seen> expected{{'P', true, true, 15},
                                   {'B', true, true, 17},
                                   {'D', true, true, 7},
                                   {'E', true, true, 10},
                                   {'S', true, true, 5}};
  for (std::size_t chunk = 1; chunk <= stream.size(); ++chunk)
    CHECK(cut(frontend_rule, stream, chunk) == expected);
}

TEST_CASE("a message that must be whole leaves its part with the caller", "[framer]") {
  const ByteBuffer bytes = message('Q', 100);
  Framer framer(frontend_rule);
  Piece piece;
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    ByteView input = ByteView(bytes).first(n);
    REQUIRE(framer.next(input, piece) == FrameStatus::need_more);
    REQUIRE(input.size() == n);
    REQUIRE(framer.at_boundary());
  }
  ByteView input = bytes;
  REQUIRE(framer.next(input, piece) == FrameStatus::piece);
  CHECK(piece.whole());
  CHECK(piece.body().size() == 100);
  CHECK(input.empty());
}

TEST_CASE("a large Query shows its first bytes at once and streams the rest", "[framer]") {
  const ByteBuffer bytes = message('Q', query_whole_body_max + 1000);
  Framer framer(frontend_rule);
  Piece piece;
  ByteView input = ByteView(bytes).first(5 + query_whole_body_max - 1);
  CHECK(framer.next(input, piece) == FrameStatus::need_more);
  input = ByteView(bytes).first(5 + query_whole_body_max);
  REQUIRE(framer.next(input, piece) == FrameStatus::piece);
  CHECK(piece.first);
  CHECK_FALSE(piece.last);
  CHECK(piece.body_size == query_whole_body_max + 1000);
  CHECK(piece.body().size() == query_whole_body_max);
  CHECK(framer.next(input, piece) == FrameStatus::need_more);
  input = ByteView(bytes).subspan(5 + query_whole_body_max);
  REQUIRE(framer.next(input, piece) == FrameStatus::piece);
  CHECK_FALSE(piece.first);
  CHECK(piece.last);
  CHECK(piece.body().size() == 1000);
}

TEST_CASE("one GiB of CopyData passes in pieces of what was read", "[framer]") {
  const ByteBuffer head = header('d', large_body_max + 4);
  const ByteBuffer block(1 << 20, 'x');
  Framer framer(frontend_rule);
  Piece piece;
  ByteView input = head;
  REQUIRE(framer.next(input, piece) == FrameStatus::piece);
  CHECK(piece.first);
  std::uint64_t body = piece.body().size();
  bool last = false;
  for (int i = 0; i < 1024 && !last; ++i) {
    input = block;
    REQUIRE(framer.next(input, piece) == FrameStatus::piece);
    CHECK(piece.bytes.data() == block.data());
    body += piece.bytes.size();
    last = piece.last;
  }
  CHECK(last);
  CHECK(body == large_body_max);
  CHECK(input.size() == (1U << 30) - large_body_max);  // the next message starts here
  CHECK(framer.at_boundary());
}

TEST_CASE("after an error a framer reads nothing more", "[framer]") {
  Framer framer(frontend_rule);
  Piece piece;
  const ByteBuffer bad = header('S', 20'000);  // X55: PostgreSQL would drop the pooled connection
  ByteView input = bad;
  CHECK(framer.next(input, piece) == FrameStatus::error);
  CHECK(framer.errc() == Errc::length_out_of_range);
  const ByteBuffer good = message('S', 0);
  input = good;
  CHECK(framer.next(input, piece) == FrameStatus::error);
}

TEST_CASE("a server row may be as large as its StringInfo", "[framer]") {
  CHECK(refusal(backend_rule, header('D', 0x3ffffffe + 4)) == Errc::ok);
  CHECK(refusal(backend_rule, header('D', 0x3fffffff + 4)) == Errc::length_out_of_range);
}

}  // namespace
}  // namespace pgweir
