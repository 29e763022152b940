// Where to find a session in order to wake or to cancel it. It may have ended since. Pure.
#pragma once

#include <cstdint>

namespace pgweir {

struct SessionAddress {
  unsigned worker = 0;
  std::uint64_t session = 0;
};

}  // namespace pgweir
