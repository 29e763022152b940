// The PROXY protocol, version 2: what a load balancer sends in front of a client's own bytes, to tell where
// the client is (haproxy.org, "The PROXY protocol, versions 1 & 2", section 2.2).
//
//   signature (12) | version and command (1) | family and transport (1) | length (2) | addresses, TLVs
//
// Thread rule: pure functions.
#pragma once

#include <cstdint>
#include "protocol/bytes.hpp"

namespace pgweir {

inline constexpr std::size_t proxy_header_fixed = 16;
// AWS's TLVs take some hundred bytes; a header that claims more is refused.
inline constexpr std::size_t proxy_header_max = 2048;

struct ProxyHeader {
  // 4 or 16 bytes. Empty: the balancer speaks for itself (LOCAL, a health check), or it knows none
  // (AF_UNSPEC, AF_UNIX).
  ByteBuffer address;
  std::uint16_t port = 0;
};

// `size`: the header's size, once `input` begins with a whole one; 0: more bytes are needed. Errors:
// bad_startup (another beginning, another version, lengths that do not fit), too_large.
Errc parse_proxy_header(ByteView input, ProxyHeader& out, std::size_t& size);

}  // namespace pgweir
