// Whether the server would let a pool's role log in now, as far as known. Existing connections live on after
// the role's VALID UNTIL, so that they prove nothing; but any of them can be asked.
//
// Pure: no clock and no connection. The server tells how much time is left, so that the time on its clock
// does not matter. Thread rule: one owner, the pool under its lock.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "proxy/base/clock.hpp"

namespace pgweir {

enum class RoleVerdict : std::uint8_t { may, expired, no_login, gone };
std::string_view to_string(RoleVerdict verdict);  // for the log

// What the server has said about the role that is logged in.
struct RoleAnswer {
  enum class Kind : std::uint8_t { unknown, gone, no_login, may };
  Kind kind = Kind::unknown;
  // Until its password expires, negative if that was in the past; empty: it does not expire.
  std::optional<double> seconds_left = {};
  bool operator==(const RoleAnswer&) const = default;
};

class RoleStanding {
 public:
  // An answer that would keep clients out is asked for again this soon, so that ALTER ROLE lets them in
  // again.
  static constexpr std::chrono::milliseconds bad_news_interval{500};

  // Whether it is time to ask; false while a question is under way. `interval` 0: never.
  bool is_due(TimePoint now, std::chrono::milliseconds interval) const;
  void begin(TimePoint now);
  // The question of begin() has been answered, or will not be.
  void take(const RoleAnswer& answer);
  // A login to the server has just succeeded. Unless `by_password`, VALID UNTIL was not looked at.
  void logged_in(TimePoint now, bool by_password);
  // From now on it is another role. An answer that is under way is about the old one.
  void forget();

  // `by_password`: whether VALID UNTIL counts for the client.
  RoleVerdict verdict(TimePoint now, bool by_password) const;

 private:
  bool is_bad(TimePoint now) const { return verdict(now, true) != RoleVerdict::may; }

  RoleVerdict found_ = RoleVerdict::may;  // without valid_until_
  TimePoint valid_until_ = TimePoint::max();
  TimePoint asked_at_{};
  bool unknown_ = true;  // to be asked as soon as possible
  bool asking_ = false;
  bool outdated_ = false;  // the answer that is under way is of no use
};

}  // namespace pgweir
