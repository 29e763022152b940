#include "bench/time_series.hpp"

namespace pgweir::bench {

Micros interval_for(Micros length) {
  constexpr int intervals_max = 240;
  Micros decade = std::chrono::milliseconds(100);
  while (true) {
    for (const int step : {1, 2, 5})
      if (decade * step * intervals_max >= length) return decade * step;
    decade *= 10;
  }
}

}  // namespace pgweir::bench
