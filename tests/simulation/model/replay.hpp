// A statement that has to wait is begun again when it may go on. What it has done by then must not happen
// twice: each act with an effect goes through here, and the second time its result is remembered.
#pragma once

#include <vector>

#include "tests/simulation/model/types.hpp"

namespace pgweir::simulation {

class Replay {
 public:
  void rewind() { next_ = 0; }
  void forget() {
    results_.clear();
    next_ = 0;
  }
  template <typename Act>
  Value once(Act act) {
    if (next_ == results_.size()) results_.push_back(act());
    return results_[next_++];
  }

 private:
  std::vector<Value> results_;
  std::size_t next_ = 0;
};

}  // namespace pgweir::simulation
