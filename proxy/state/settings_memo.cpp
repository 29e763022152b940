#include "proxy/state/settings_memo.hpp"

#include "proxy/state/prelude.hpp"

#include <functional>

namespace pgweir {
namespace {

constexpr std::size_t hash_factor = 1099511628211U;

bool is_small(const SettingMap& map) {
  std::size_t size = 0;
  for (const auto& [name, value] : map) size += name.size() + value.size();
  return size <= SettingsMemo::text_max;
}

}  // namespace

std::size_t SettingsMemo::Hash::operator()(const Pair& pair) const {
  const std::hash<const void*> hash;
  return hash(pair.applied) * hash_factor ^ hash(pair.desired);
}

std::size_t SettingsMemo::Hash::operator()(const Change& change) const {
  const std::hash<std::string_view> hash;
  const std::size_t text = hash(change.name) * hash_factor ^ hash(change.value);
  return text * hash_factor ^ std::hash<const void*>()(change.before);
}

std::shared_ptr<const Prelude> SettingsMemo::prelude(const MapRef& applied, const MapRef& desired) {
  const Pair pair{applied.get(), desired.get()};
  if (const auto known = preludes_.find(pair); known != preludes_.end()) return known->second.prelude;
  auto made = std::make_shared<const Prelude>(make_prelude(*applied, *desired));
  if (!is_small(*applied) || !is_small(*desired)) return made;
  if (preludes_.size() >= entries_max) preludes_.clear();
  preludes_.emplace(pair, KnownPrelude{applied, desired, made});
  return made;
}

MapRef SettingsMemo::with(const MapRef& before, std::string_view name, std::string_view value) {
  if (const auto known = changes_.find({before.get(), name, value}); known != changes_.end())
    return known->second.after;
  SettingMap changed = *before;
  changed.insert_or_assign(std::string(name), std::string(value));
  MapRef after = interner_.intern(std::move(changed));
  if (!is_small(*before) || !is_small(*after)) return after;
  if (changes_.size() >= entries_max) changes_.clear();
  const auto entry = after->find(name);
  changes_.emplace(Change{before.get(), entry->first, entry->second}, KnownChange{before, after});
  return after;
}

const MapRef& SettingsMemo::find_part(Parts& parts, const MapRef& whole) {
  parts.whole = whole;
  if (const auto known = parts.known.find(whole.get()); known != parts.known.end())
    return parts.part = known->second.second;
  parts.part = interner_.intern(parts.take(*whole));
  if (!is_small(*whole)) return parts.part;
  if (parts.known.size() >= entries_max) parts.known.clear();
  parts.known.emplace(whole.get(), std::pair(whole, parts.part));
  return parts.part;
}

}  // namespace pgweir
