// What is known of whether the server would let a pool's role log in now. Connections that are there live on
// after the role's VALID UNTIL, so that they say nothing about it; any of them can be asked, though.
//
// Pure: no clock and no connection. What the server tells is how much time is left, so that it does not
// matter what time it believes it is. Thread rule: one owner, the pool under its lock.
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
  // Until its password is no longer good, negative if that was in the past; empty: there is no end.
  std::optional<double> seconds_left = {};
  bool operator==(const RoleAnswer&) const = default;
};

class RoleStanding {
 public:
  // What would keep clients out is asked again this soon, so that ALTER ROLE lets them in again.
  static constexpr std::chrono::milliseconds bad_news_interval{500};

  // Is it time to ask? Not while somebody does. `interval` 0: never.
  bool is_due(TimePoint now, std::chrono::milliseconds interval) const;
  void begin(TimePoint now);
  // What was asked at begin() has been answered, or will not be.
  void take(const RoleAnswer& answer);
  // A login to the server has just succeeded. Unless `by_password`, VALID UNTIL was not looked at.
  void logged_in(TimePoint now, bool by_password);
  // It is another role from now on. An answer that is under way is about the old one.
  void forget();

  // `by_password`: whether VALID UNTIL counts for the client.
  RoleVerdict verdict(TimePoint now, bool by_password) const;

 private:
  bool is_bad(TimePoint now) const { return verdict(now, true) != RoleVerdict::may; }

  RoleVerdict found_ = RoleVerdict::may;  // apart from valid_until_
  TimePoint valid_until_ = TimePoint::max();
  TimePoint asked_at_{};
  bool unknown_ = true;  // to be asked as soon as possible
  bool asking_ = false;
  bool outdated_ = false;  // what is being asked is of no use
};

}  // namespace pgweir
