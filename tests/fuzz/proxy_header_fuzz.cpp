// Bytes in front of a client's first packet. Oracle: a header is found at the same place however much of what
// follows has arrived, and nothing is taken before it is whole.
#include <cstdlib>

#include "protocol/proxy_header.hpp"

using namespace pgweir;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const Byte* data, std::size_t size) {
  const ByteView input{data, size};
  ProxyHeader whole;
  std::size_t header_size = 0;
  const Errc error = parse_proxy_header(input, whole, header_size);
  require(header_size <= size && header_size <= proxy_header_max);
  require(whole.address.empty() || whole.address.size() == 4 || whole.address.size() == 16);
  if (error != Errc::ok || header_size == 0) return 0;
  for (std::size_t n = 0; n <= header_size; ++n) {
    ProxyHeader part;
    std::size_t found = 0;
    require(parse_proxy_header(input.first(n), part, found) == Errc::ok);
    require(found == (n < header_size ? 0 : header_size));
  }
  return 0;
}
