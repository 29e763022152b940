#include "proxy/pool/pool_state.hpp"

#include <algorithm>

#include "proxy/backend/login_backoff.hpp"

namespace pgweir {

PoolMember* PoolState::take_idle(unsigned worker) {
  if (idle_.empty() || first_ != nullptr) return nullptr;
  const auto is_current = [this](const PoolMember* m) { return m->generation == generation_; };
  auto it = std::find_if(idle_.rbegin(), idle_.rend(),
                         [&](const PoolMember* m) { return m->worker == worker && is_current(m); });
  if (it == idle_.rend()) it = std::find_if(idle_.rbegin(), idle_.rend(), is_current);
  if (it == idle_.rend()) return nullptr;  // the rest is to be replaced
  PoolMember* const member = *it;
  idle_.erase(std::next(it).base());
  move(*member, MemberState::borrowed);
  return member;
}

void PoolState::enqueue(Waiter& waiter) {
  waiter.granted = nullptr;
  waiter.queued = true;
  waiter.next = nullptr;
  waiter.previous = last_;
  (last_ != nullptr ? last_->next : first_) = &waiter;
  last_ = &waiter;
  ++waiting_;
}

void PoolState::dequeue(Waiter& waiter) {
  if (!waiter.queued) return;
  (waiter.previous != nullptr ? waiter.previous->next : first_) = waiter.next;
  (waiter.next != nullptr ? waiter.next->previous : last_) = waiter.previous;
  waiter.next = waiter.previous = nullptr;
  waiter.queued = false;
  --waiting_;
}

Waiter* PoolState::put(PoolMember& member, TimePoint now, bool from_login) {
  if (from_login) {
    failures_ = 0;
    retry_at_ = {};
  }
  if (Waiter* const waiter = grant(member)) return waiter;
  move(member, MemberState::idle);
  member.idle_since = now;
  idle_.push_back(&member);
  return nullptr;
}

Waiter* PoolState::put_back(PoolMember& member) {
  if (Waiter* const waiter = grant(member)) return waiter;
  move(member, MemberState::idle);
  const auto later = std::find_if(idle_.begin(), idle_.end(), [&](const PoolMember* other) {
    return other->idle_since > member.idle_since;
  });
  idle_.insert(later, &member);
  return nullptr;
}

// Null: there is no waiter.
Waiter* PoolState::grant(PoolMember& member) {
  Waiter* const waiter = first_;
  if (waiter == nullptr) return nullptr;
  waiter->granted = &member;
  dequeue(*waiter);
  move(member, MemberState::borrowed);
  return waiter;
}

std::size_t PoolState::begin_opening(TimePoint now) {
  if (paused_ || now < retry_at_) return 0;
  const std::size_t used = total();
  const std::size_t room = limits_.max_size > used ? limits_.max_size - used : 0;
  // After a failure one login at a time finds out whether the server is back.
  const std::size_t logins_max = failures_ > 0 ? 1 : limits_.max_logins;
  const std::size_t opening = places(MemberState::opening);
  const std::size_t logins_left = logins_max > opening ? logins_max - opening : 0;
  const std::size_t coming = opening + errands_;
  const std::size_t for_waiters = waiting_ > coming ? waiting_ - coming : 0;
  const std::size_t for_minimum = limits_.min_size > living() ? limits_.min_size - living() : 0;
  const std::size_t count = std::min({room, logins_left, std::max(for_waiters, for_minimum)});
  places(MemberState::opening) += count;
  return count;
}

bool PoolState::begin_proof() {
  std::size_t& opening = places(MemberState::opening);
  if (paused_ || total() >= limits_.max_size || opening >= limits_.max_logins) return false;
  ++opening;
  return true;
}

// Only one idle backend leaves at a time, so that many wrong passwords cannot empty a warm pool at once.
PoolMember* PoolState::make_room() {
  const bool room_comes = places(MemberState::opening) > 0 || places(MemberState::leaving) > 0;
  if (paused_ || room_comes || total() < limits_.max_size || idle_.empty()) return nullptr;
  PoolMember* const member = idle_.front();
  idle_.erase(idle_.begin());
  move(*member, MemberState::leaving);
  return member;
}

void PoolState::begin_leaving_unused(PoolMember& member) {
  move(member, MemberState::leaving);
  failures_ = 0;
  retry_at_ = {};
}

void PoolState::open_failed(TimePoint now) {
  --places(MemberState::opening);
  const unsigned shift = std::min(failures_, 6U);
  ++failures_;
  retry_at_ = now + std::min(login_backoff_min * (1U << shift), login_backoff_max);
}

std::optional<BackendClose> PoolState::too_old(const PoolMember& member, TimePoint now) const {
  if (member.generation != generation_) return BackendClose::outdated;
  if (now >= member.expires_at) return BackendClose::max_lifetime;
  return std::nullopt;
}

std::optional<BackendClose> PoolState::must_leave(const PoolMember& member, TimePoint now) const {
  const std::optional<BackendClose> reason = too_old(member, now);
  return !reason && surplus() > 0 ? BackendClose::surplus : reason;
}

void PoolState::take_expired(TimePoint now, std::vector<LeavingMember>& out) {
  std::size_t too_many = surplus();
  std::size_t staying = places(MemberState::idle) + places(MemberState::borrowed);
  const auto expired = [&](PoolMember* member) {
    const bool unused = limits_.idle_timeout.count() > 0 && staying > limits_.min_size &&
                        now - member->idle_since >= limits_.idle_timeout;
    std::optional<BackendClose> reason = too_old(*member, now);
    if (!reason && unused) reason = BackendClose::idle_timeout;
    if (!reason && too_many > 0) reason = BackendClose::surplus;
    if (!reason) return false;
    if (too_many > 0) --too_many;
    --staying;
    move(*member, MemberState::leaving);
    out.push_back({member, *reason});
    return true;
  };
  // The backends that have been idle longest come first.
  std::erase_if(idle_, expired);
}

PoolCounts PoolState::counts() const {
  return {places(MemberState::idle), places(MemberState::borrowed), places(MemberState::opening),
          places(MemberState::leaving), waiting_};
}

}  // namespace pgweir
