#include "proxy/aws/rotating_secret.hpp"

#include <algorithm>

namespace pgweir::aws {

void RotatingSecret::keep_replaced(SecretVersion version, Time until) {
  replaced_.insert(replaced_.begin(), {std::move(version), until});
  if (replaced_.size() > replaced_max) replaced_.resize(replaced_max);
}

bool RotatingSecret::take_current(SecretVersion version, Time now) {
  const bool same = current_ && current_->id == version.id;
  // A version that comes back, as after a rotation that was undone, is not replaced any more.
  std::erase_if(replaced_, [&](const Replaced& each) { return each.version.id == version.id; });
  if (current_ && !same) keep_replaced(std::move(*current_), now + grace_);
  if (pending_ && pending_->id == version.id) take_pending(std::nullopt);
  current_ = std::move(version);
  return !same;
}

void RotatingSecret::take_previous(SecretVersion version, Time now) {
  if (!current_ || version.id == current_->id) return;
  // AWS does not tell when it was replaced, but its successor was made shortly before.
  const Time replaced_at = current_->created == Time{} ? now : std::min(current_->created, now);
  keep_replaced(std::move(version), replaced_at + grace_);
}

void RotatingSecret::take_pending(std::optional<SecretVersion> version) {
  // Once a rotation is over, AWSPENDING may stay on what is current.
  if (version && current_ && version->id == current_->id) version.reset();
  const bool same = version && pending_ && version->id == pending_->id;
  if (!same) pending_works_ = false;
  pending_ = std::move(version);
}

void RotatingSecret::worked(const std::string& id) {
  if (pending_ && pending_->id == id) pending_works_ = true;
  if (current_ && current_->id == id) pending_works_ = false;
}

const SecretVersion* RotatingSecret::preferred() const {
  if (pending_works_) return &*pending_;
  return current_ ? &*current_ : nullptr;
}

const SecretVersion* RotatingSecret::other_than(const std::string& refused) const {
  if (current_ && current_->id != refused) return &*current_;
  return pending_ && pending_->id != refused ? &*pending_ : nullptr;
}

UserSecret RotatingSecret::view(const std::string& user, Time now) const {
  const auto login = [&](const SecretVersion& version) {
    return SecretLogin{version.id, version.user.empty() ? user : version.user, version.password};
  };
  UserSecret out;
  out.login = login(*preferred());
  out.accepted.push_back(login(*current_));
  if (pending_works_) out.accepted.push_back(login(*pending_));
  for (const Replaced& each : replaced_) {
    if (now < each.until) out.accepted.push_back(login(each.version));
  }
  return out;
}

Time RotatingSecret::changes_at(Time now) const {
  Time at = Time::max();
  for (const Replaced& each : replaced_) {
    if (now < each.until) at = std::min(at, each.until);
  }
  return at;
}

}  // namespace pgweir::aws
