// Which session a cancel key belongs to. The keys are pgweir's own, one for each session, and say nothing
// about a backend. Thread rule: any thread.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "protocol/bytes.hpp"
#include "proxy/base/session_address.hpp"

namespace pgweir {

class CancelRegistry {
 public:
  struct Key {
    std::uint32_t pid = 0;
    ByteBuffer secret;
  };

  // A fresh key for this session: `secret_size` random bytes under a number that no living session has.
  Key add(SessionAddress session, std::size_t secret_size);
  void remove(std::uint32_t pid);
  // The session with this key; compares in constant time.
  std::optional<SessionAddress> find(std::uint32_t pid, ByteView secret) const;

 private:
  struct Entry {
    ByteBuffer secret;
    SessionAddress session;
  };

  mutable std::mutex mutex_;
  std::unordered_map<std::uint32_t, Entry> entries_;
  std::uint32_t next_pid_ = 1;
};

}  // namespace pgweir
