#include "proxy/documents/policy.hpp"

#include <algorithm>
#include <cctype>

namespace pgweir::doctor {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

template <typename Fits>
bool any_of(const Json& one_or_many, Fits fits) {
  if (one_or_many.is_string()) return fits(one_or_many.get<std::string>());
  if (!one_or_many.is_array()) return false;
  return std::any_of(one_or_many.begin(), one_or_many.end(),
                     [&](const Json& one) { return one.is_string() && fits(one.get<std::string>()); });
}

bool speaks_of(const Json& statement, std::string_view action, std::string_view resource) {
  return any_of(at(statement, "Action"),
                [&](const std::string& pattern) { return fits_pattern(lower(pattern), lower(action)); }) &&
         any_of(at(statement, "Resource"),
                [&](const std::string& pattern) { return fits_pattern(pattern, resource); });
}

std::vector<Json> statements_of(const Json& document) {
  const Json& found = at(document, "Statement");
  if (found.is_array()) return found.get<std::vector<Json>>();
  return found.is_object() ? std::vector<Json>{found} : std::vector<Json>{};
}

}  // namespace

// Without recursion: where the rest does not fit, the last * takes one character more.
bool fits_pattern(std::string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;
  std::size_t taken = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      taken = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++taken;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

bool allows(const std::vector<Json>& documents, std::string_view action, std::string_view resource) {
  bool allowed = false;
  for (const Json& document : documents) {
    for (const Json& statement : statements_of(document)) {
      if (!speaks_of(statement, action, resource)) continue;
      if (text(statement, "Effect") == "Deny") return false;
      if (at(statement, "Condition").is_null()) allowed = true;
    }
  }
  return allowed;
}

}  // namespace pgweir::doctor
