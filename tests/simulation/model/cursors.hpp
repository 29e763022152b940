// Portals in relation to transactions: which ones end with what, and cursors that are held.
#pragma once

#include "tests/simulation/model/session_state.hpp"

namespace pgweir::simulation {

class Cursors {
 public:
  explicit Cursors(SessionState& state) : s_(state) {}
  void close(const CloseCursor& command);
  // Before a commit: the rows that are left of WITH HOLD cursors, which may be an error.
  void persist_held();
  // kept: the level's portals belong to the one around it. Otherwise they are gone.
  void end_level(int level, bool kept);
  // Rolled back, but not yet cleaned up: they are still there, and cannot be run.
  void fail_level(int level);
  // Before the clean-up: PostgreSQL warns of portals that were bound after the failure and have not run.
  void warn_of_unrun(int level);

 private:
  SessionState& s_;
};

}  // namespace pgweir::simulation
