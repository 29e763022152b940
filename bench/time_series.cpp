#include "bench/time_series.hpp"

namespace pgweir::bench {

Micros interval_for(Micros length) {
  constexpr int kIntervalsMax = 240;
  Micros decade = std::chrono::milliseconds(100);
  while (true) {
    for (const int step : {1, 2, 5})
      if (decade * step * kIntervalsMax >= length) return decade * step;
    decade *= 10;
  }
}

}  // namespace pgweir::bench
