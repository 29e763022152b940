#include "proxy/state/settings_map.hpp"

#include <algorithm>

namespace pgweir {
namespace {

std::size_t hash_of(const SettingMap& map) {
  std::size_t h = map.size();
  const std::hash<std::string_view> hash;
  for (const auto& [name, value] : map) {
    h = h * 1099511628211U ^ hash(name);
    h = h * 1099511628211U ^ hash(value);
  }
  return h;
}

}  // namespace

MapRef Interner::intern(SettingMap map) {
  const std::size_t hash = hash_of(map);
  const std::lock_guard lock(mutex_);
  const auto [begin, end] = known_.equal_range(hash);
  for (auto it = begin; it != end; ++it) {
    MapRef known = it->second.lock();
    if (known && *known == map) return known;
  }
  if (known_.size() >= sweep_at_) {
    std::erase_if(known_, [](const auto& entry) { return entry.second.expired(); });
    sweep_at_ = std::max<std::size_t>(64, known_.size() * 2);
  }
  auto made = std::make_shared<const SettingMap>(std::move(map));
  known_.emplace(hash, made);
  return made;
}

bool same(const MapRef& a, const MapRef& b) {
  return a == b || *a == *b;
}

}  // namespace pgweir
