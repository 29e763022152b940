// Literals of type timestamptz: which moment they stand for depends on the TimeZone when they are read, and what they look like on
// TimeZone and DateStyle when they are written. Only the beginning of 2020 is understood. Pure.
#pragma once

#include <string>

namespace pgweir::simulation {

// In hours since 2020-01-01 00:00 UTC.
std::string read_instant(const std::string& literal, const std::string& zone);
std::string write_instant(const std::string& instant, const std::string& zone, const std::string& date_style);

}  // namespace pgweir::simulation
