#include "proxy/state/portals.hpp"

#include <algorithm>
#include <utility>

namespace pgweir {
namespace {

// What may happen, where it is not known whether it does.
SettingsItem as_doubt(const SettingsItem& item) {
  const bool is_named = item.kind == SettingsItem::Kind::set || item.kind == SettingsItem::Kind::reset ||
                        item.kind == SettingsItem::Kind::doubt;
  return {.kind = SettingsItem::Kind::doubt, .name = is_named ? item.name : std::string()};
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
  if (unfollowed == portal) unfollowed.reset();
  std::erase_if(bound_, [&](const Bound& each) { return each.portal == portal; });
  std::erase_if(steps, [&](const Step& each) { return each.portal == portal; });
}

SettingsStep Portals::run(std::string_view portal, bool to_its_end) {
  std::erase_if(bound_, [&](const Bound& each) { return each.portal == portal; });
  const auto found =
      std::find_if(steps.begin(), steps.end(), [&](const Step& each) { return each.portal == portal; });
  if (found == steps.end()) return {};
  SettingsStep step = found->step;
  if (to_its_end) {
    steps.erase(found);
  } else {
    for (SettingsItem& item : found->step) item = as_doubt(item);
  }
  return step;
}

SettingsStep Portals::take_doubts() {
  SettingsStep doubts;
  for (const Step& each : steps) {
    for (const SettingsItem& item : each.step) doubts.push_back(as_doubt(item));
  }
  steps.clear();
  const bool discards = std::any_of(bound_.begin(), bound_.end(), [](const Bound& each) {
    return each.statement->effects.verb == Verb::discard;
  });
  if (discards) doubts.push_back({.kind = SettingsItem::Kind::doubt});
  return doubts;
}

std::vector<StatementRef> Portals::take_sets() {
  std::vector<StatementRef> sets;
  std::erase_if(bound_, [&](Bound& each) {
    if (each.is_renamed || !each.statement->effects.sets()) return false;
    sets.push_back(std::move(each.statement));
    return true;
  });
  return sets;
}

void Portals::end() {
  steps.clear();
  bound_.clear();
  may_copy = false;
  unfollowed.reset();
}

}  // namespace pgweir
