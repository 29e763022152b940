#include "protocol/proxy_header.hpp"

#include <catch2/catch.hpp>

#include "protocol/bytes.hpp"

using namespace pgweir;

namespace {

ByteBuffer header(Byte command, Byte family, const ByteBuffer& body) {
  ByteBuffer out{0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a, command, family};
  out.push_back(static_cast<Byte>(body.size() >> 8));
  out.push_back(static_cast<Byte>(body.size()));
  out.insert(out.end(), body.begin(), body.end());
  return out;
}

const ByteBuffer over_ipv4{192, 0, 2, 7, 10, 0, 0, 1, 0x1f, 0x90, 0x19, 0x20};

}  // namespace

TEST_CASE("the header names the client") {
  const ByteBuffer bytes = header(0x21, 0x11, over_ipv4);
  ProxyHeader out;
  std::size_t size = 0;
  REQUIRE(parse_proxy_header(bytes, out, size) == Errc::ok);
  CHECK(size == bytes.size());
  CHECK(out.address == ByteBuffer{192, 0, 2, 7});
  CHECK(out.port == 8080);
}

TEST_CASE("an IPv6 client is named by 16 bytes, and what follows the addresses is skipped") {
  ByteBuffer body(32, 0xfd);
  for (const Byte b : {Byte{1}, Byte{2}, Byte{3}, Byte{4}, Byte{0xea}, Byte{0}, Byte{1}, Byte{9}})
    body.push_back(b);
  const ByteBuffer bytes = header(0x21, 0x21, body);
  ProxyHeader out;
  std::size_t size = 0;
  REQUIRE(parse_proxy_header(bytes, out, size) == Errc::ok);
  CHECK(size == bytes.size());
  CHECK(out.address == ByteBuffer(16, 0xfd));
  CHECK(out.port == 0x0102);
}

TEST_CASE("a header is taken whole, however it arrives, and nothing behind it") {
  ByteBuffer bytes = header(0x21, 0x11, over_ipv4);
  const std::size_t whole = bytes.size();
  bytes.push_back(0);
  for (std::size_t n = 0; n <= bytes.size(); ++n) {
    ProxyHeader out;
    std::size_t size = 99;
    REQUIRE(parse_proxy_header(ByteView(bytes).first(n), out, size) == Errc::ok);
    CHECK(size == (n < whole ? 0 : whole));
  }
}

TEST_CASE("a balancer that speaks for itself names nobody") {
  for (const auto& bytes : {header(0x20, 0x00, {}), header(0x20, 0x11, over_ipv4), header(0x21, 0x00, {}),
                            header(0x21, 0x31, ByteBuffer(216, 'x'))}) {
    ProxyHeader out;
    std::size_t size = 0;
    REQUIRE(parse_proxy_header(bytes, out, size) == Errc::ok);
    CHECK(size == bytes.size());
    CHECK(out.address.empty());
  }
}

TEST_CASE("what is no header of version 2 is refused with its first wrong byte") {
  const ByteBuffer right = header(0x21, 0x11, over_ipv4);
  for (std::size_t at = 0; at < 12; ++at) {
    ByteBuffer bytes = right;
    bytes[at] ^= 0x20;
    ProxyHeader out;
    std::size_t size = 0;
    CHECK(parse_proxy_header(ByteView(bytes).first(at + 1), out, size) == Errc::bad_startup);
  }
  ProxyHeader out;
  std::size_t size = 0;
  CHECK(parse_proxy_header(header(0x11, 0x11, over_ipv4), out, size) == Errc::bad_startup);  // version 1
  CHECK(parse_proxy_header(header(0x22, 0x11, over_ipv4), out, size) == Errc::bad_startup);  // command 2
  CHECK(parse_proxy_header(header(0x21, 0x11, ByteBuffer(11, 1)), out, size) == Errc::bad_startup);
  CHECK(parse_proxy_header(header(0x21, 0x21, ByteBuffer(35, 1)), out, size) == Errc::bad_startup);
  CHECK(parse_proxy_header(header(0x21, 0x11, ByteBuffer(proxy_header_max, 1)), out, size) ==
        Errc::too_large);
}
