// What a read from or a write to a peer has come to.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>

namespace pgweir {

enum class IoStatus : std::uint8_t { ok, would_block, closed, failed };

struct IoResult {
  IoStatus status = IoStatus::ok;
  std::size_t size = 0;
  int error = 0;  // errno, for failed
};

// Whether this errno means that the call would have blocked.
inline bool is_would_block(int error) {
  return error == EAGAIN || error == EWOULDBLOCK;
}

}  // namespace pgweir
