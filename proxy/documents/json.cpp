#include "proxy/documents/json.hpp"

#include <charconv>

namespace pgweir::doctor {

const Json& at(const Json& object, std::string_view key) {
  static const Json nothing;
  if (!object.is_object()) return nothing;
  const auto found = object.find(key);
  return found == object.end() ? nothing : *found;
}

const Json& list(const Json& object, std::string_view key) {
  static const Json empty = Json::array();
  const Json& found = at(object, key);
  return found.is_array() ? found : empty;
}

std::string text(const Json& object, std::string_view key) {
  const Json& found = at(object, key);
  if (found.is_string()) return found.get<std::string>();
  return found.is_number() || found.is_boolean() ? found.dump() : std::string();
}

std::int64_t number(const Json& object, std::string_view key, std::int64_t otherwise) {
  const std::string digits = text(object, key);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return error == std::errc() && end == digits.data() + digits.size() ? value : otherwise;
}

bool flag(const Json& object, std::string_view key) {
  const std::string value = text(object, key);
  return value == "true" || value == "1" || value == "True";
}

}  // namespace pgweir::doctor
