// What is known of a database's server, from the pools that use it. The server is not asked for it: pools
// that are kept warm always have a connection, or try to get one. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "proxy/base/facts.hpp"

namespace pgweir {

enum class Reach : std::uint8_t {
  untried,      // no login was tried yet
  reachable,    // there are connections
  unused,       // it was reached once; there is no connection now, and none is wanted
  refused,      // the server answers, but refuses logins, and there is no connection
  unreachable,  // the last login got no answer, or did not end
};

struct Reachability {
  Reach reach = Reach::untried;
  std::optional<LoginTrouble> trouble;  // since when, and how the last login ended
  bool paused = false;                  // by an operator, for all of its pools
  bool kept_warm = false;               // at least one of its pools is
  bool settled = true;                  // each pool that is kept warm has tried to log in once

  bool is_away() const { return reach == Reach::refused || reach == Reach::unreachable; }
  // Whether the server can be reached as far as known.
  bool is_up() const { return reach == Reach::reachable || reach == Reach::unused; }
};

// A failed login tells nothing after this time without another attempt: no client wants a connection. Where
// one is wanted, pgweir tries again after login_backoff_max.
constexpr std::chrono::milliseconds trouble_age_max{2'000};

// `pools`: those of one database.
Reachability judge_reachability(const std::vector<PoolFacts>& pools, TimePoint now);

// "reachable", "unreachable since 2026-01-31T12:00:00Z (42 s): no connection" and so on.
std::string describe(const Reachability& reachability, TimePoint now,
                     std::chrono::system_clock::time_point wall);

}  // namespace pgweir
