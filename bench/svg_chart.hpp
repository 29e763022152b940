// A line chart as one <svg> element, for a page that defines the classes: lines and legend entries have class
// s0, s1, ...; frame, grid and texts have class axis, grid and the default.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace pgweir::bench {

struct ChartLine {
  std::string name;
  std::size_t color = 0;
  bool dashed = false;
  std::vector<std::pair<double, double>> points;  // x ascending; a y that is not finite leaves a gap
};

struct Chart {
  std::string title;
  std::string x_title, y_title;
  bool log_y = false;                                   // values at and below 0 are left out
  std::vector<std::pair<double, std::string>> x_ticks;  // empty: round numbers
  std::vector<ChartLine> lines;
};

std::string svg_chart(const Chart& chart);

// For text between tags and in attributes.
std::string html_escaped(const std::string& text);

}  // namespace pgweir::bench
