// LISTEN, UNLISTEN and NOTIFY: all of them take effect when their transaction commits.
#pragma once

#include "tests/simulation/model/session_state.hpp"

namespace pgweir::simulation {

class Channels {
 public:
  explicit Channels(SessionState& state) : s_(state) {}
  void change(PendingListen::Kind kind, const std::string& channel);
  void notify(const std::string& channel, const std::string& payload);
  void unlisten_all() { change(PendingListen::Kind::unlisten_all, {}); }

  void commit();
  void roll_back(int level);
  void merge(int level);  // a savepoint that was released
  // What others have sent, for a session that is idle.
  void deliver();

 private:
  SessionState& s_;
};

}  // namespace pgweir::simulation
