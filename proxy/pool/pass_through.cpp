#include "proxy/pool/pass_through.hpp"

namespace pgweir {

void PassThrough::begin(TimePoint now, std::chrono::milliseconds forget_after) {
  on_ = true;
  forget_after_ = forget_after;
  used_at_ = now;
}

void PassThrough::end() {
  on_ = false;
  known_.reset();
}

bool PassThrough::is_known(const PasswordDigest& digest) const {
  return known_ && equal_in_constant_time(known_->digest, digest);
}

bool PassThrough::knows(const PasswordDigest& digest, TimePoint now, std::chrono::milliseconds age_max) {
  if (!is_known(digest) || now - known_->proved_at >= age_max) return false;
  used_at_ = now;
  return true;
}

void PassThrough::proved(const PasswordDigest& digest, TimePoint now) {
  known_ = Known{digest, now};
  used_at_ = now;
}

// The refusal of another password says nothing about the known one.
void PassThrough::refused(const PasswordDigest& digest) {
  if (is_known(digest)) known_.reset();
}

void PassThrough::renew(TimePoint now) {
  if (known_) known_->proved_at = now;
}

bool PassThrough::is_unused(TimePoint now, bool has_clients) {
  if (has_clients) used_at_ = now;
  return on_ && !has_clients && now - used_at_ >= forget_after_;
}

}  // namespace pgweir
