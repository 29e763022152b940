#include "proxy/base/time_text.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <ctime>

namespace pgweir {

std::string duration_text(std::chrono::duration<double> duration) {
  const double seconds = std::max(0.0, duration.count());
  std::array<char, 32> text{};
  const auto print = [&](const char* format, auto... values) {
    const int size = std::snprintf(text.data(), text.size(), format, values...);
    return std::string(text.data(), static_cast<std::size_t>(std::max(0, size)));
  };
  if (seconds < 0.001) return print("%.0f us", seconds * 1e6);
  if (seconds < 0.9995) return print("%.0f ms", seconds * 1e3);
  if (seconds < 9.95) return print("%.1f s", seconds);
  const long long whole = std::llround(seconds);
  if (whole < 60) return print("%lld s", whole);
  if (whole < 3'600) return print("%lld min %lld s", whole / 60, whole % 60);
  return print("%lld h %lld min", whole / 3'600, whole % 3'600 / 60);
}

std::string clock_text(std::chrono::system_clock::time_point at) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(at);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%H:%M:%S UTC", &parts)};
}

}  // namespace pgweir
