#include "proxy/state/portals.hpp"

#include <algorithm>
#include <utility>

namespace pgweir {
namespace {

// What may happen, where it is not known whether it does.
SettingsItem as_doubt(const SettingsItem& item) {
  if (item.local) return {.kind = SettingsItem::Kind::local_doubt};
  const bool is_named = item.kind == SettingsItem::Kind::set || item.kind == SettingsItem::Kind::reset ||
                        item.kind == SettingsItem::Kind::doubt;
  return {.kind = SettingsItem::Kind::doubt, .name = is_named ? item.name : std::string()};
}

SettingsStep as_doubts(const SettingsStep& step) {
  SettingsStep doubts;
  for (const SettingsItem& item : step) doubts.push_back(as_doubt(item));
  return doubts;
}

}  // namespace

bool Portals::keep(Bound portal) {
  std::erase_if(bound_, [&](const Bound& each) { return each.portal == portal.portal; });
  if (bound_.size() >= portals_max) return false;
  bound_.push_back(std::move(portal));
  return true;
}

bool Portals::keep(Step portal) {
  if (steps.size() >= portals_max) return false;
  steps.push_back(std::move(portal));
  return true;
}

const Portals::Bound* Portals::find(std::string_view portal) const {
  const auto found =
      std::find_if(bound_.begin(), bound_.end(), [&](const Bound& each) { return each.portal == portal; });
  return found == bound_.end() ? nullptr : &*found;
}

void Portals::forget(std::string_view portal) {
  std::erase_if(bound_, [&](const Bound& each) { return each.portal == portal; });
  std::erase_if(steps, [&](const Step& each) { return each.portal == portal; });
}

SettingsStep Portals::run(std::string_view portal) {
  const auto found =
      std::find_if(steps.begin(), steps.end(), [&](const Step& each) { return each.portal == portal; });
  if (found == steps.end()) return {};
  SettingsStep again = as_doubts(found->step);
  return std::exchange(found->step, std::move(again));
}

SettingsStep Portals::run_any() const {
  SettingsStep all;
  for (const Step& each : steps) {
    for (const SettingsItem& item : each.step) all.push_back(as_doubt(item));
  }
  return all;
}

void Portals::end() {
  steps.clear();
  bound_.clear();
  may_copy = false;
}

}  // namespace pgweir
