// What is remembered of the portals that a client has bound and not run yet. Owned by a session. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/statement_map.hpp"
#include "proxy/state/settings_steps.hpp"

namespace pgweir {

struct Portals {
  bool may_copy = false;  // a portal may run a COPY
  // The last bound statement of the kinds that are looked at again when they are run: a SET, RESET, DISCARD or
  // DEALLOCATE, or one in which a name was replaced; the portal that it was bound to; and by how much its text
  // became longer.
  StatementRef bound;
  std::string bound_to;
  std::int32_t bound_grown_by = 0;
  // What running a portal does to settings, where a SET does not say it.
  struct Step {
    std::string portal;
    SettingsStep step;
  };
  std::vector<Step> steps;
  // The portal that was bound last, and the client's name for its statement, unless the client has had that
  // statement described.
  std::string described;
  std::optional<std::string> undescribed_name;

  // What this portal does to settings, which is then forgotten.
  SettingsStep take_step(std::string_view portal);
};

}  // namespace pgweir
