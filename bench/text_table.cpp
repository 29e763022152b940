#include "bench/text_table.hpp"

#include <algorithm>
#include <cstdio>

namespace pgweir::bench {

std::string render_table(const std::vector<Row>& rows) {
  if (rows.empty()) return {};
  std::vector<std::size_t> widths(rows.front().size());
  for (const Row& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  std::string out;
  for (const Row& row : rows) {
    out += row[0] + std::string(widths[0] - row[0].size(), ' ');
    for (std::size_t i = 1; i < row.size(); ++i)
      out += std::string(3 + widths[i] - row[i].size(), ' ') + row[i];
    out += '\n';
  }
  return out;
}

std::string grouped(std::uint64_t value) {
  std::string digits = std::to_string(value);
  for (std::size_t at = digits.size(); at > 3;) digits.insert(at -= 3, ",");
  return digits;
}

std::string milliseconds(double microseconds) {
  char text[40];
  std::snprintf(text, sizeof text, "%.1f ms", microseconds / 1000);
  return text;
}

}  // namespace pgweir::bench
