#include "config/duration.hpp"

#include <array>
#include <charconv>
#include <cstdint>

#include "config/problem.hpp"

namespace pgweir::config {

namespace {

struct Unit {
  std::string_view name;
  std::int64_t millis;
};
constexpr std::array<Unit, 4> duration_units{{{"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};

const Unit* find_unit(std::string_view name) {
  for (const Unit& unit : duration_units) {
    if (unit.name == name) return &unit;
  }
  return nullptr;
}

DurationResult failure(std::string message) {
  return {std::nullopt, std::move(message)};
}

}  // namespace

DurationResult parse_duration(std::string_view text) {
  std::int64_t count = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, count);
  const std::string_view suffix(rest, static_cast<std::size_t>(end - rest));
  if (error == std::errc::invalid_argument || (!suffix.empty() && (suffix[0] == '.' || suffix[0] == ','))) {
    return failure("expected a whole number and a unit, such as 250ms, 30s, 10m or 1h; found \"" +
                   printable(text) + '"');
  }
  if (!text.empty() && text[0] == '-') return failure("a duration cannot be negative");
  if (suffix.empty()) return failure("a duration needs a unit: ms, s, m or h, for example 30s");
  const Unit* unit = find_unit(suffix);
  if (unit == nullptr) {
    return failure("unknown unit \"" + printable(suffix) + "\"; the units are ms, s, m and h");
  }
  if (error == std::errc::result_out_of_range || count > duration_max.count() / unit->millis) {
    return failure("longer than a year (8760h)");
  }
  return {Millis{count * unit->millis}, {}};
}

std::string to_string(Millis duration) {
  if (duration.count() == 0) return "0s";
  for (const Unit& unit : duration_units) {
    if (duration.count() % unit.millis == 0) {
      return std::to_string(duration.count() / unit.millis).append(unit.name);
    }
  }
  return {};
}

}  // namespace pgweir::config
