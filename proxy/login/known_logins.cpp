#include "proxy/login/known_logins.hpp"

namespace pgweir {

std::uint64_t KnownLogins::epoch() const {
  const std::lock_guard lock(mutex_);
  return epoch_;
}

MapRef KnownLogins::baseline() const {
  const std::lock_guard lock(mutex_);
  return baseline_;
}

void KnownLogins::use_baseline(const MapRef& parameters) {
  const std::lock_guard lock(mutex_);
  is_current_ = true;
  if (baseline_ && same(baseline_, parameters)) return;
  baseline_ = parameters;
  clear();
}

MapRef KnownLogins::parameters(const MapRef& startup, bool old_will_do) const {
  const std::lock_guard lock(mutex_);
  if (same(startup, no_settings_)) return is_current_ || old_will_do ? baseline_ : nullptr;
  const auto it = parameters_.find(startup);
  return it == parameters_.end() ? nullptr : it->second;
}

void KnownLogins::remember(std::uint64_t epoch, const MapRef& startup, const MapRef& parameters) {
  const std::lock_guard lock(mutex_);
  if (epoch != epoch_) return;
  if (parameters_.size() >= entries_max) parameters_.clear();
  parameters_.insert_or_assign(startup, parameters);
}

std::optional<Greeting> KnownLogins::greeting(const SettingMap& settings) const {
  const std::lock_guard lock(mutex_);
  const auto it = greetings_.find(settings);
  return it == greetings_.end() ? std::nullopt : std::optional(it->second);
}

void KnownLogins::remember(std::uint64_t epoch, const SettingMap& settings, const Greeting& greeting) {
  const std::lock_guard lock(mutex_);
  if (epoch != epoch_ || !is_current_) return;
  if (greetings_.size() >= entries_max) greetings_.clear();
  greetings_.insert_or_assign(settings, greeting);
}

void KnownLogins::forget() {
  const std::lock_guard lock(mutex_);
  is_current_ = false;
  clear();
}

void KnownLogins::forget_all() {
  const std::lock_guard lock(mutex_);
  baseline_.reset();
  is_current_ = false;
  clear();
}

void KnownLogins::clear() {
  ++epoch_;
  parameters_.clear();
  greetings_.clear();
}

}  // namespace pgweir
