// Sequences, and what a session remembers of those that it has advanced.
#pragma once

#include "tests/simulation/model/session_state.hpp"

namespace pgweir::simulation {

class Sequences {
 public:
  explicit Sequences(SessionState& state) : s_(state) {}
  std::string next(const std::string& name);
  std::string current(const std::string& name);
  std::string last();
  std::string set(const std::string& name, const std::string& value);
  void discard();
  void look_up(const std::string& name, std::size_t position);

 private:
  Oid open(const std::string& name, bool& is_temporary);
  SessionState& s_;
};

}  // namespace pgweir::simulation
