#include "protocol/proxy_header.hpp"

#include <algorithm>

namespace pgweir {
namespace {

constexpr std::array<Byte, 12> signature{0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
                                         0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};
constexpr Byte version_2 = 0x20;
constexpr Byte command_local = 0;
constexpr Byte command_proxy = 1;
constexpr Byte family_inet = 1;
constexpr Byte family_inet6 = 2;

// Source address, destination address, source port, destination port.
Errc read_source(ByteView body, std::size_t address_size, ProxyHeader& out) {
  if (body.size() < 2 * address_size + 4) return Errc::bad_startup;
  out.address.assign(body.begin(), body.begin() + static_cast<std::ptrdiff_t>(address_size));
  out.port = load_u16(body.data() + 2 * address_size);
  return Errc::ok;
}

}  // namespace

Errc parse_proxy_header(ByteView input, ProxyHeader& out, std::size_t& size) {
  size = 0;
  out = {};
  const std::size_t known = std::min(input.size(), signature.size());
  if (!std::equal(input.begin(), input.begin() + static_cast<std::ptrdiff_t>(known), signature.begin()))
    return Errc::bad_startup;
  if (input.size() < proxy_header_fixed) return Errc::ok;
  const std::size_t length = load_u16(input.data() + 14);
  if (proxy_header_fixed + length > proxy_header_max) return Errc::too_large;
  const auto command = static_cast<Byte>(input[12] & 0x0f);
  if ((input[12] & 0xf0) != version_2 || command > command_proxy) return Errc::bad_startup;
  if (input.size() < proxy_header_fixed + length) return Errc::ok;
  size = proxy_header_fixed + length;
  if (command == command_local) return Errc::ok;
  const ByteView body = input.subspan(proxy_header_fixed, length);
  const auto family = static_cast<Byte>(input[13] >> 4);
  if (family == family_inet) return read_source(body, 4, out);
  if (family == family_inet6) return read_source(body, 16, out);
  return Errc::ok;
}

}  // namespace pgweir
