#include "tests/simulation/model/instants.hpp"

#include <cstdio>
#include <string_view>

#include "tests/simulation/model/sql_error.hpp"

namespace pgweir::simulation {
namespace {

// As in winter.
struct Zone {
  std::string_view name;
  int hours;  // ahead of UTC
  const char* shorter;
};
constexpr Zone zones[] = {{"UTC", 0, "UTC"},           {"GMT", 0, "GMT"},
                          {"Etc/UTC", 0, "UTC"},       {"America/New_York", -5, "EST"},
                          {"Europe/Berlin", 1, "CET"}, {"Asia/Tokyo", 9, "JST"}};

const Zone& zone_named(const std::string& name) {
  for (const Zone& zone : zones) {
    if (zone.name == name) return zone;
  }
  not_understood("the time zone " + name);
}

}  // namespace

std::string read_instant(const std::string& literal, const std::string& zone) {
  if (literal != "2020-01-01 00:00") not_understood("the moment " + literal);
  return std::to_string(-zone_named(zone).hours);
}

std::string write_instant(const std::string& instant, const std::string& zone_name,
                          const std::string& date_style) {
  const Zone& zone = zone_named(zone_name);
  const int hours = std::stoi(instant) + zone.hours;
  if (hours < -24 || hours >= 24) not_understood("the hour " + std::to_string(hours));
  const bool is_before = hours < 0;
  const int hour = is_before ? hours + 24 : hours;
  const int year = is_before ? 2019 : 2020;
  const int month = is_before ? 12 : 1;
  const int day = is_before ? 31 : 1;
  const std::string style = date_style.substr(0, date_style.find(','));
  const bool day_first = date_style.ends_with("DMY");
  char text[64];
  if (style == "ISO") {
    std::snprintf(text, sizeof text, "%d-%02d-%02d %02d:00:00%+03d", year, month, day, hour, zone.hours);
  } else if (style == "German") {
    std::snprintf(text, sizeof text, "%02d.%02d.%d %02d:00:00 %s", day, month, year, hour, zone.shorter);
  } else if (style == "SQL") {
    std::snprintf(text, sizeof text, "%02d/%02d/%d %02d:00:00 %s", day_first ? day : month,
                  day_first ? month : day, year, hour, zone.shorter);
  } else {
    const char* const name = is_before ? "Dec" : "Jan";
    if (day_first) {
      std::snprintf(text, sizeof text, "%s %02d %s %02d:00:00 %d %s", is_before ? "Tue" : "Wed", day, name,
                    hour, year, zone.shorter);
    } else {
      std::snprintf(text, sizeof text, "%s %s %02d %02d:00:00 %d %s", is_before ? "Tue" : "Wed", name, day,
                    hour, year, zone.shorter);
    }
  }
  return text;
}

}  // namespace pgweir::simulation
