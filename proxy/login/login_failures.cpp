#include "proxy/login/login_failures.hpp"

#include <algorithm>
#include <functional>

namespace pgweir {
namespace {

std::uint64_t key_of(std::string_view user, const std::optional<config::IpAddress>& from) {
  std::string key(user);
  key.push_back('\0');
  if (from) key.append(from->begin(), from->end());
  return std::hash<std::string>{}(key);
}

}  // namespace

std::chrono::milliseconds LoginFailures::note(std::string_view user,
                                              const std::optional<config::IpAddress>& from, TimePoint now,
                                              std::chrono::milliseconds delay_max) {
  const std::lock_guard lock(mutex_);
  if (entries_.size() >= entries_max) make_room(now);
  Entry& entry = entries_[key_of(user, from)];
  if (now - entry.last >= memory) entry.failures = 0;
  entry.last = now;
  ++entry.failures;
  if (entry.failures <= free_failures) return {};
  constexpr unsigned doublings_max = 20;  // more than a day
  const unsigned doublings = std::min(entry.failures - free_failures - 1, doublings_max);
  return std::min(first_delay * (1U << doublings), delay_max);
}

// Old entries go. If there are none, all entries go: an attacker who fills the table gains three free tries.
void LoginFailures::make_room(TimePoint now) {
  std::erase_if(entries_, [&](const auto& each) { return now - each.second.last >= memory; });
  if (entries_.size() >= entries_max) entries_.clear();
}

}  // namespace pgweir
