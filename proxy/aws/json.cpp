#include "proxy/aws/json.hpp"

namespace pgweir::aws {
namespace {

// AWS nests three levels. The parser takes brackets without recursion, but what destroys them recurses.
constexpr int depth_max = 16;

bool is_deep(std::string_view text) {
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted && c == '\\') ++i;
    if (c == '"') quoted = !quoted;
    if (quoted) continue;
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') --depth;
    if (depth > depth_max) return true;
  }
  return false;
}

}  // namespace

std::optional<nlohmann::json> parse_json(std::string_view text, std::string& error) {
  error.clear();
  if (is_deep(text)) {
    error = "the answer is nested too deeply";
    return std::nullopt;
  }
  nlohmann::json document = nlohmann::json::parse(text.begin(), text.end(), nullptr, false);
  if (document.is_object()) return document;
  error = "the answer is not a JSON object";
  return std::nullopt;
}

const nlohmann::json* member(const nlohmann::json& object, const char* name) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(name);
  return found == object.end() ? nullptr : &*found;
}

std::string text_at(const nlohmann::json& object, const char* name) {
  const nlohmann::json* const value = member(object, name);
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

}  // namespace pgweir::aws
