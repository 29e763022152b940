#include "proxy/documents/instance_class.hpp"

#include <algorithm>
#include <charconv>

namespace pgweir::doctor {
namespace {

// The size in units of `large`.
std::int64_t larges(std::string_view size) {
  if (size == "large") return 1;
  if (size == "xlarge") return 2;
  if (!size.ends_with("xlarge")) return 0;
  std::int64_t factor = 0;
  const std::string_view digits = size.substr(0, size.size() - 6);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), factor);
  return error == std::errc() && end == digits.data() + digits.size() ? 2 * factor : 0;
}

std::int64_t burstable_gib(std::string_view size) {
  if (size == "micro") return 1;
  if (size == "small") return 2;
  if (size == "medium") return 4;
  return 8 * larges(size);
}

}  // namespace

std::int64_t memory_gib(std::string_view instance_class) {
  if (!instance_class.starts_with("db.")) return 0;
  const std::string_view rest = instance_class.substr(3);
  const std::size_t dot = rest.find('.');
  if (dot == std::string_view::npos) return 0;
  const std::string_view size = rest.substr(dot + 1);
  switch (rest.front()) {
    case 't':
      return burstable_gib(size);
    case 'm':
      return 8 * larges(size);
    case 'r':
      return 16 * larges(size);
    case 'c':
      return 4 * larges(size);
    default:
      return 0;
  }
}

std::int64_t default_max_connections(std::string_view instance_class) {
  constexpr std::int64_t bytes_each = 9531392;
  constexpr std::int64_t most = 5000;
  return std::min(memory_gib(instance_class) * 1024 * 1024 * 1024 / bytes_each, most);
}

}  // namespace pgweir::doctor
