// Advisory locks of a session and of its transactions.
#pragma once

#include "tests/simulation/model/session_state.hpp"

namespace pgweir::simulation {

class AdvisoryLocks {
 public:
  explicit AdvisoryLocks(SessionState& state) : s_(state) {}
  // Throws Blocked where it `waits` and somebody else has it.
  bool take(const std::vector<Value>& key, LockMode mode, bool of_session, bool waits);
  bool release(const std::vector<Value>& key, LockMode mode);  // with a warning where there was none
  void release_all();

 private:
  LockKey key_of(const std::vector<Value>& key) const;
  SessionState& s_;
};

}  // namespace pgweir::simulation
