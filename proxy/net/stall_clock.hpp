// How long a peer has taken nothing of what waits for it, as far as looking now and then can tell. Pure.
#pragma once

#include <cstddef>

#include "proxy/base/clock.hpp"

namespace pgweir {

class StallClock {
 public:
  // `waiting`: the bytes that the peer has not acknowledged yet. Any change starts the clock again: fewer
  // mean that the peer has taken some, more that its session still gets something done.
  Clock::duration look(TimePoint now, std::size_t waiting) {
    if (waiting != waiting_) {
      waiting_ = waiting;
      since_ = now;
    }
    return waiting_ == 0 ? Clock::duration{0} : now - since_;
  }
  // To be called when nothing waits.
  void stop() { waiting_ = 0; }

 private:
  std::size_t waiting_ = 0;
  TimePoint since_{};
};

}  // namespace pgweir
