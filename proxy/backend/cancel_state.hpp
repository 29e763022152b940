// The cancel request that is on its way to a backend. Until the server has dealt with it, the backend may not
// serve another client, whose statement the request would hit.
//
//   none --begin()--> in flight --end()--> none
//                        \--hold_back()--> held back --end(): true--> none
//
// Pure. Thread rule: belongs to its backend, so to the session that has borrowed that.
#pragma once

#include <cstdint>
#include <utility>

namespace pgweir {

class CancelState {
 public:
  // False: one is on its way already, which is enough.
  [[nodiscard]] bool begin() {
    if (in_flight()) return false;
    phase_ = Phase::in_flight;
    return true;
  }
  bool in_flight() const { return phase_ != Phase::none; }
  // The client no longer needs the backend. True: the pool gets it when the request has ended.
  [[nodiscard]] bool hold_back() {
    if (in_flight()) phase_ = Phase::held_back;
    return in_flight();
  }
  // `delivered`: the server has dealt with it. True: the backend was held back for it.
  [[nodiscard]] bool end(bool delivered) {
    if (!delivered) in_doubt_ = true;
    return std::exchange(phase_, Phase::none) == Phase::held_back;
  }
  // Whether a request may still arrive and hit the next client: the backend is not lent again.
  bool in_doubt() const { return in_doubt_; }

 private:
  enum class Phase : std::uint8_t { none, in_flight, held_back };
  Phase phase_ = Phase::none;
  bool in_doubt_ = false;
};

}  // namespace pgweir
