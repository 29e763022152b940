// How long a client that has just named a wrong password waits for the answer: the longer, the more often
// that has happened for this user from this address. A right password is never held up, so no client can be
// locked out, not even by another one behind the same load balancer. Any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "config/network.hpp"
#include "proxy/base/clock.hpp"

namespace pgweir {

class LoginFailures {
 public:
  // Mistakes that cost nothing: a fleet that still has yesterday's password must not be mistaken for an
  // attack at once.
  static constexpr unsigned free_failures = 3;
  static constexpr std::chrono::milliseconds first_delay{100};
  // After this long without a further failure, all is forgotten.
  static constexpr std::chrono::seconds memory{60};
  // Pairs of user and address that are remembered; when there are more, some are forgotten early.
  static constexpr std::size_t entries_max = 4'096;

  // Counts a failure. Returns how long the answer has to wait.
  std::chrono::milliseconds note(std::string_view user, const std::optional<config::IpAddress>& from,
                                 TimePoint now, std::chrono::milliseconds delay_max);

 private:
  struct Entry {
    unsigned failures = 0;
    TimePoint last{};
  };

  void make_room(TimePoint now);

  std::mutex mutex_;
  std::unordered_map<std::uint64_t, Entry> entries_;  // by a hash of user and address
};

}  // namespace pgweir
