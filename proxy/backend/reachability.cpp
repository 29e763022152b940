#include "proxy/backend/reachability.hpp"

#include <array>
#include <ctime>

namespace pgweir {
namespace {

bool is_current(const PoolFacts& pool, TimePoint now) {
  if (!pool.login_trouble) return false;
  return pool.counts.opening > 0 || now - pool.login_trouble->last_try < trouble_age_max;
}

Reach reach_of(const PoolFacts& pool, TimePoint now) {
  const bool fails = is_current(pool, now);
  if (fails && pool.login_trouble->result != BackendLoginResult::refused) return Reach::unreachable;
  // A server without room for another connection is reachable for those that it has.
  if (pool.counts.idle + pool.counts.borrowed > 0) return Reach::reachable;
  if (fails) return Reach::refused;
  return pool.logins == LoginRecord::reached ? Reach::unused : Reach::untried;
}

// Which of two pools' findings counts for their database. A server that refuses one user may accept the
// others; a server that does not answer one user answers none, whatever connections seem to be left.
unsigned weight(Reach reach) {
  constexpr std::array<unsigned, 5> weights = {0, 3, 1, 2, 4};  // in the order of the enum
  return weights[static_cast<std::size_t>(reach)];
}

// These sentences do not repeat what the server has said: that is in the log, and on the dashboard.
std::string_view sentence_of(BackendLoginResult result) {
  switch (result) {
    case BackendLoginResult::ok:
      break;
    case BackendLoginResult::refused:
      return "the server refuses our logins";
    case BackendLoginResult::unreachable:
      return "no connection to the server";
    case BackendLoginResult::timed_out:
      return "the server did not answer in time";
    case BackendLoginResult::lost:
      return "the server closed the connection during the login";
  }
  return "";
}

std::string utc(std::chrono::system_clock::time_point at) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(at);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

std::string away_since(const LoginTrouble& trouble, TimePoint now,
                       std::chrono::system_clock::time_point wall) {
  const auto past = std::chrono::duration_cast<std::chrono::seconds>(now - trouble.since);
  return " since " + utc(wall - past) + " (" + std::to_string(past.count()) +
         " s): " + std::string(sentence_of(trouble.result));
}

std::string_view word_of(Reach reach) {
  switch (reach) {
    case Reach::untried:
      return "not tried yet";
    case Reach::reachable:
      return "reachable";
    case Reach::unused:
      return "reached before, no connection now";
    case Reach::refused:
    case Reach::unreachable:
      return "unreachable";
  }
  return "";
}

}  // namespace

Reachability judge_reachability(const std::vector<PoolFacts>& pools, TimePoint now) {
  Reachability all;
  all.paused = !pools.empty();
  for (const PoolFacts& pool : pools) {
    const bool warm = pool.settings->min_size > 0;
    all.kept_warm |= warm;
    all.settled &= !warm || pool.logins != LoginRecord::untried;
    all.paused &= pool.paused;
    const Reach reach = reach_of(pool, now);
    const bool earlier = all.trouble && pool.login_trouble && pool.login_trouble->since < all.trouble->since;
    if (weight(reach) < weight(all.reach) || (reach == all.reach && !earlier)) continue;
    all.reach = reach;
    all.trouble.reset();
    if (all.is_away()) all.trouble = pool.login_trouble;
  }
  return all;
}

std::string describe(const Reachability& reachability, TimePoint now,
                     std::chrono::system_clock::time_point wall) {
  std::string text(word_of(reachability.reach));
  if (reachability.trouble) text += away_since(*reachability.trouble, now, wall);
  if (reachability.paused) text += ", paused by an operator";
  return text;
}

}  // namespace pgweir
