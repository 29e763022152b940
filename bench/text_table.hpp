// Rows of text with aligned columns, and numbers as people read them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace pgweir::bench {

using Row = std::vector<std::string>;

// The first column to the left, the others to the right. All rows are as long as the first one.
std::string render_table(const std::vector<Row>& rows);

std::string grouped(std::uint64_t value);       // 12345 -> 12,345
std::string milliseconds(double microseconds);  // 12345 -> 12.3 ms

}  // namespace pgweir::bench
