#include "tests/simulation/model/cursors.hpp"

#include <algorithm>

namespace pgweir::simulation {

void Cursors::close(const CloseCursor& command) {
  if (command.all) {
    std::erase_if(s_.portals, [&](const auto& entry) { return entry.second.get() != s_.active; });
    return;
  }
  if (s_.portals.erase(command.name) == 0) fail("34000", "cursor \"" + command.name + "\" does not exist");
}

void Cursors::persist_held() {
  for (const auto& [name, portal] : s_.portals) {
    if (!portal->hold || portal->level == 0) continue;
    std::vector<Row> rows;
    Row row;
    if (portal->state == Portal::State::ready) {
      while (portal->rows->next(row)) rows.push_back(row);
    }
    portal->rows = std::make_unique<StoredRows>(std::move(rows));
    portal->level = 0;
  }
}

void Cursors::fail_level(int level) {
  for (const auto& [name, portal] : s_.portals) {
    if (portal->level >= level && portal->state == Portal::State::ready)
      portal->state = Portal::State::failed;
  }
}

void Cursors::warn_of_unrun(int level) {
  for (const auto& [name, portal] : s_.portals) {
    const bool unrun = portal->level >= level && portal->state == Portal::State::ready;
    if (unrun && portal.get() != s_.active)
      s_.notice("WARNING", "01000", "skipping cleanup for portal \"" + name + '"');
  }
}

void Cursors::end_level(int level, bool kept) {
  if (kept) {
    for (const auto& [name, portal] : s_.portals) portal->level = std::min(portal->level, level - 1);
    return;
  }
  std::erase_if(s_.portals, [&](const auto& entry) { return entry.second->level >= level; });
}

}  // namespace pgweir::simulation
