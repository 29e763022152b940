// The report as one page that needs nothing else: styles and charts are in it.
#pragma once

#include <string>

#include "bench/report.hpp"

namespace pgweir::bench {

// `report`: of make_fleet_report().
std::string fleet_html(const Report& report);

}  // namespace pgweir::bench
