#include "proxy/state/portals.hpp"

#include <algorithm>
#include <utility>

namespace pgweir {

SettingsStep Portals::take_step(std::string_view portal) {
  const auto found =
      std::find_if(steps.begin(), steps.end(), [&](const Step& bound) { return bound.portal == portal; });
  if (found == steps.end()) return {};
  SettingsStep step = std::move(found->step);
  steps.erase(found);
  return step;
}

}  // namespace pgweir
