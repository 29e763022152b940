#include "proxy/base/time_text.hpp"

#include <catch2/catch.hpp>

namespace pgweir {
namespace {

using namespace std::chrono_literals;

TEST_CASE("durations are told in the unit that fits") {
  CHECK(duration_text(0s) == "0 us");
  CHECK(duration_text(-1s) == "0 us");
  CHECK(duration_text(24us) == "24 us");
  CHECK(duration_text(80ms) == "80 ms");
  CHECK(duration_text(999'700us) == "1.0 s");
  CHECK(duration_text(4200ms) == "4.2 s");
  CHECK(duration_text(9'970ms) == "10 s");
  CHECK(duration_text(59'700ms) == "1 min 0 s");
  CHECK(duration_text(11'405s) == "3 h 10 min");
}

TEST_CASE("a moment is told by the clock of the log") {
  CHECK(clock_text(std::chrono::system_clock::time_point{1'769'829'289s}) == "03:14:49 UTC");
}

}  // namespace
}  // namespace pgweir
