#include "proxy/state/portals.hpp"

#include <algorithm>
#include <functional>
#include <utility>

namespace pgweir {
namespace {

// What may happen, where it is not known whether it does.
SettingsItem as_doubt(const SettingsItem& item) {
  const bool is_named = item.kind == SettingsItem::Kind::set || item.kind == SettingsItem::Kind::reset ||
                        item.kind == SettingsItem::Kind::doubt;
  return {.kind = SettingsItem::Kind::doubt, .name = is_named ? item.name : std::string()};
}

// Never 0.
std::size_t hash_of(std::string_view portal) {
  return std::hash<std::string_view>()(portal) | 1U;
}

template <typename Portal>
auto find_in(std::vector<Portal>& portals, std::string_view name) {
  return std::find_if(portals.begin(), portals.end(),
                      [&](const Portal& each) { return each.portal == name; });
}

template <typename Portal>
void erase_from(std::vector<Portal>& portals, std::string_view name) {
  std::erase_if(portals, [&](const Portal& each) { return each.portal == name; });
}

}  // namespace

Portals::Kept& Portals::kept() {
  if (!kept_) kept_ = std::make_unique<Kept>();
  return *kept_;
}

void Portals::drop_if_empty() {
  if (kept_->bound.empty() && kept_->steps.empty()) kept_.reset();
}

// Nearly all clients bind the unnamed portal, or one name, again and again.
std::optional<std::string> Portals::note_bound(std::string_view portal, std::string_view statement,
                                               bool is_described) {
  std::optional<std::string> surplus;
  if (last_.portal != portal) {
    if (is_last_undescribed_) {
      if (!undescribed_) undescribed_ = std::make_unique<std::vector<Undescribed>>();
      if (undescribed_->size() >= portals_max) {
        surplus = std::move(undescribed_->front().statement);
        undescribed_->erase(undescribed_->begin());
      }
      undescribed_->push_back(last_);
    }
    last_.portal = portal;
    if (undescribed_) erase_from(*undescribed_, portal);
  }
  is_last_undescribed_ = !is_described;
  if (!is_described) last_.statement = statement;
  return surplus;
}

std::optional<std::string> Portals::note_described(std::string_view portal) {
  if (last_.portal == portal) {
    if (!std::exchange(is_last_undescribed_, false)) return std::nullopt;
    return last_.statement;
  }
  if (!undescribed_) return std::nullopt;
  const auto found = find_in(*undescribed_, portal);
  if (found == undescribed_->end()) return std::nullopt;
  std::string statement = std::move(found->statement);
  undescribed_->erase(found);
  return statement;
}

bool Portals::keep(Bound portal) {
  Kept& all = kept();
  erase_from(all.bound, portal.portal);
  if (all.bound.size() >= portals_max) return false;
  all.bound.push_back(std::move(portal));
  return true;
}

bool Portals::keep(Step portal) {
  Kept& all = kept();
  if (all.steps.size() >= portals_max) return false;
  all.steps.push_back(std::move(portal));
  return true;
}

void Portals::leave_unfollowed(std::string_view portal) {
  unfollowed_ = hash_of(portal);
}

bool Portals::may_be_unfollowed(std::string_view portal) const {
  return unfollowed_ == hash_of(portal);
}

void Portals::forget(std::string_view portal) {
  if (may_be_unfollowed(portal)) unfollowed_ = 0;
  if (!kept_) return;
  erase_from(kept_->bound, portal);
  erase_from(kept_->steps, portal);
  drop_if_empty();
}

Portals::Run Portals::run(std::string_view portal, bool to_its_end) {
  Run run;
  if (!kept_) return run;
  if (const auto found = find_in(kept_->bound, portal); found != kept_->bound.end()) {
    run.bound = std::move(*found);
    kept_->bound.erase(found);
  }
  if (const auto found = find_in(kept_->steps, portal); found != kept_->steps.end()) {
    run.step = found->step;
    if (to_its_end) {
      kept_->steps.erase(found);
    } else {
      for (SettingsItem& item : found->step) item = as_doubt(item);
    }
  }
  drop_if_empty();
  return run;
}

Portals::Doubts Portals::take_doubts() {
  Doubts doubts;
  if (!kept_) return doubts;
  for (const Step& each : kept_->steps) {
    for (const SettingsItem& item : each.step) doubts.steps.push_back(as_doubt(item));
  }
  kept_->steps.clear();
  std::erase_if(kept_->bound, [&](Bound& each) {
    if (each.statement->effects.verb == Verb::discard)
      doubts.steps.push_back({.kind = SettingsItem::Kind::doubt});
    if (each.is_renamed || !each.statement->effects.sets()) return false;
    doubts.sets.push_back(std::move(each.statement));
    return true;
  });
  drop_if_empty();
  return doubts;
}

void Portals::end() {
  kept_.reset();
  undescribed_.reset();
  unfollowed_ = 0;
  may_copy = false;
}

}  // namespace pgweir
