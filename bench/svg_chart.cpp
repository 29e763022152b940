#include "bench/svg_chart.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace pgweir::bench {
namespace {

constexpr double chart_width = 720, chart_height = 300;
constexpr double margin_left = 64, margin_right = 16, margin_top = 54, margin_bottom = 44;

using Ticks = std::vector<std::pair<double, std::string>>;

std::string short_number(double value) {
  char text[32];
  if (std::abs(value) >= 1e6) {
    std::snprintf(text, sizeof text, "%gM", value / 1e6);
  } else if (std::abs(value) >= 1e4) {
    std::snprintf(text, sizeof text, "%gk", value / 1e3);
  } else {
    std::snprintf(text, sizeof text, "%g", value);
  }
  return text;
}

std::string coordinate(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

// Multiples of 1, 2 or 5 times a power of ten, about `wanted` of them, the first one above `high` included.
Ticks linear_ticks(double high, int wanted) {
  double step = std::pow(10, std::floor(std::log10(high / wanted)));
  for (const double factor : {2.0, 2.5, 2.0}) {
    if (high / step <= wanted) break;
    step *= factor;
  }
  Ticks out;
  const double last = std::ceil(high / step - 1e-9);
  for (double i = 0; i <= last; ++i) out.emplace_back(i * step, short_number(i * step));
  return out;
}

Ticks decades(double low, double high) {
  Ticks out;
  const double last = std::max(std::ceil(std::log10(high)), std::floor(std::log10(low)) + 1);
  for (double i = std::floor(std::log10(low)); i <= last; ++i)
    out.emplace_back(std::pow(10, i), short_number(std::pow(10, i)));
  return out;
}

struct Extent {
  double x_max = 0, y_min = HUGE_VAL, y_max = 0;
};

bool drawable(const Chart& chart, double y) {
  return std::isfinite(y) && (!chart.log_y || y > 0);
}

Extent extent_of(const Chart& chart) {
  Extent out;
  for (const ChartLine& line : chart.lines)
    for (const auto& [x, y] : line.points) {
      out.x_max = std::max(out.x_max, x);
      if (!drawable(chart, y)) continue;
      out.y_min = std::min(out.y_min, y);
      out.y_max = std::max(out.y_max, y);
    }
  if (out.x_max <= 0) out.x_max = 1;
  if (out.y_max <= 0) out.y_max = 1;
  if (!(out.y_min <= out.y_max)) out.y_min = out.y_max;
  return out;
}

class Drawing {
 public:
  explicit Drawing(const Chart& chart) : chart_(chart) {
    const Extent extent = extent_of(chart);
    y_ticks_ = chart.log_y ? decades(extent.y_min, extent.y_max) : linear_ticks(extent.y_max, 5);
    x_ticks_ = chart.x_ticks.empty() ? linear_ticks(extent.x_max, 8) : chart.x_ticks;
    x_max_ = chart.x_ticks.empty() ? extent.x_max : std::max(extent.x_max, x_ticks_.back().first);
  }

  std::string draw() {
    out_ = "<svg viewBox=\"0 0 720 300\" role=\"img\"><title>" + html_escaped(chart_.title) + "</title>";
    text(margin_left, 18, "start", chart_.title, " class=\"title\"");
    draw_axes();
    double legend = margin_left;
    for (const ChartLine& line : chart_.lines) {
      draw_line(line);
      draw_legend(line, legend);
      legend += 44 + 7.0 * static_cast<double>(line.name.size());
    }
    return out_ + "</svg>\n";
  }

 private:
  double x_of(double x) const {
    return margin_left + x / x_max_ * (chart_width - margin_left - margin_right);
  }

  double y_of(double y) const {
    const double low = y_ticks_.front().first, high = y_ticks_.back().first;
    const double share = chart_.log_y ? std::log(y / low) / std::log(high / low) : (y - low) / (high - low);
    return chart_height - margin_bottom - share * (chart_height - margin_top - margin_bottom);
  }

  void text(double x, double y, const char* anchor, const std::string& content, const char* more = "") {
    out_ += "<text x=\"" + coordinate(x) + "\" y=\"" + coordinate(y) + "\" text-anchor=\"" + anchor + "\"" +
            more + ">" + html_escaped(content) + "</text>";
  }

  void segment(double x1, double y1, double x2, double y2, const std::string& classes) {
    out_ += "<path class=\"" + classes + "\" d=\"M" + coordinate(x1) + " " + coordinate(y1) + "L" +
            coordinate(x2) + " " + coordinate(y2) + "\"/>";
  }

  void draw_axes() {
    for (const auto& [value, label] : y_ticks_) {
      segment(margin_left, y_of(value), chart_width - margin_right, y_of(value), "grid");
      text(margin_left - 6, y_of(value) + 4, "end", label);
    }
    for (const auto& [value, label] : x_ticks_) {
      if (value > x_max_) continue;
      segment(x_of(value), chart_height - margin_bottom, x_of(value), chart_height - margin_bottom + 4,
              "axis");
      text(x_of(value), chart_height - margin_bottom + 16, "middle", label);
    }
    segment(margin_left, chart_height - margin_bottom, chart_width - margin_right,
            chart_height - margin_bottom, "axis");
    text((margin_left + chart_width - margin_right) / 2, chart_height - 8, "middle", chart_.x_title);
    text(chart_width - margin_right, 18, "end", chart_.y_title);
  }

  void draw_line(const ChartLine& line) {
    std::string path;
    bool down = false;
    for (const auto& [x, y] : line.points) {
      const bool good = drawable(chart_, y);
      if (good) path += (down ? "L" : "M") + coordinate(x_of(x)) + " " + coordinate(y_of(y));
      down = good;
    }
    if (path.empty()) return;
    out_ += "<path class=\"" + classes_of(line) + "\" d=\"" + path + "\"/>";
  }

  void draw_legend(const ChartLine& line, double x) {
    segment(x, 34, x + 20, 34, classes_of(line));
    text(x + 25, 38, "start", line.name);
  }

  static std::string classes_of(const ChartLine& line) {
    return "line s" + std::to_string(line.color) + (line.dashed ? " dashed" : "");
  }

  const Chart& chart_;
  Ticks x_ticks_, y_ticks_;
  double x_max_ = 1;
  std::string out_;
};

}  // namespace

std::string svg_chart(const Chart& chart) {
  return Drawing(chart).draw();
}

std::string html_escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

}  // namespace pgweir::bench
