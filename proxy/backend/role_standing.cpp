#include "proxy/backend/role_standing.hpp"

#include <algorithm>

namespace pgweir {
namespace {

// A time further away than this counts as never: it is far above any interval of asking, far below the
// clock's range.
constexpr double far_future_seconds = 1e8;

TimePoint moment_in(TimePoint now, double seconds) {
  if (!(seconds < far_future_seconds)) return TimePoint::max();
  if (seconds <= 0) return now;
  return now + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

}  // namespace

std::string_view to_string(RoleVerdict verdict) {
  switch (verdict) {
    case RoleVerdict::may:
      return "may log in";
    case RoleVerdict::expired:
      return "the role's password has expired (VALID UNTIL)";
    case RoleVerdict::no_login:
      return "the role is not permitted to log in (NOLOGIN)";
    case RoleVerdict::gone:
      return "the role does not exist any more";
  }
  return "";
}

bool RoleStanding::is_due(TimePoint now, std::chrono::milliseconds interval) const {
  if (asking_ || interval.count() == 0) return false;
  if (unknown_) return true;
  return now - asked_at_ >= (is_bad(now) ? std::min(bad_news_interval, interval) : interval);
}

void RoleStanding::begin(TimePoint now) {
  asking_ = true;
  outdated_ = false;
  unknown_ = false;
  asked_at_ = now;
}

// The time that is left counts from the moment of the question: too early by at most the answer's way, never
// too late.
void RoleStanding::take(const RoleAnswer& answer) {
  asking_ = false;
  if (outdated_ || answer.kind == RoleAnswer::Kind::unknown) return;
  found_ = answer.kind == RoleAnswer::Kind::gone       ? RoleVerdict::gone
           : answer.kind == RoleAnswer::Kind::no_login ? RoleVerdict::no_login
                                                       : RoleVerdict::may;
  valid_until_ = answer.seconds_left ? moment_in(asked_at_, *answer.seconds_left) : TimePoint::max();
}

// A login does not tell when the role's time ends, so that is asked soon.
void RoleStanding::logged_in(TimePoint now, bool by_password) {
  if (found_ != RoleVerdict::may) {
    found_ = RoleVerdict::may;
    unknown_ = true;
  }
  if (!by_password || valid_until_ > now) return;
  valid_until_ = TimePoint::max();
  unknown_ = true;
}

void RoleStanding::forget() {
  found_ = RoleVerdict::may;
  valid_until_ = TimePoint::max();
  unknown_ = true;
  outdated_ = asking_;
}

RoleVerdict RoleStanding::verdict(TimePoint now, bool by_password) const {
  if (found_ != RoleVerdict::may) return found_;
  return by_password && now >= valid_until_ ? RoleVerdict::expired : RoleVerdict::may;
}

}  // namespace pgweir
