#include "config/problem.hpp"

#include <algorithm>

namespace pgweir::config {

namespace {

constexpr std::size_t printed_text_max = 4096;

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
         c == '*';
}

// Control characters of ASCII, and the first byte of those of Latin-1 (C2 80 to C2 9F in UTF-8): a terminal
// may obey both.
bool must_escape(std::string_view text, std::size_t at) {
  const auto c = static_cast<unsigned char>(text[at]);
  if (c < 0x20 || c == 0x7f) return true;
  return c == 0xc2 && at + 1 < text.size() && static_cast<unsigned char>(text[at + 1]) < 0xa0;
}

void append_escaped(std::string& out, char c) {
  constexpr std::string_view digits = "0123456789abcdef";
  if (c == '\n') {
    out += "\\n";
    return;
  }
  const auto byte = static_cast<unsigned char>(c);
  out += "\\x";
  out += digits[byte >> 4];
  out += digits[byte & 15];
}

bool is_utf8_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

std::size_t cut_at(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return text.size();
  while (limit > 0 && is_utf8_continuation(text[limit])) --limit;
  return limit;
}

}  // namespace

std::string printable(std::string_view text, std::size_t limit) {
  const std::size_t end = cut_at(text, limit);
  std::string out;
  for (std::size_t i = 0; i < end; ++i) {
    if (must_escape(text, i)) {
      append_escaped(out, text[i]);
      if (static_cast<unsigned char>(text[i]) == 0xc2) append_escaped(out, text[++i]);
      continue;
    }
    if (text[i] == '"' || text[i] == '\\') out += '\\';
    out += text[i];
  }
  if (end < text.size()) out += "...";
  return out;
}

Problem problem_at(const Locations& locations, std::string path, std::string message, Severity severity) {
  const Location at = locations.find(path);
  return {locations.file, at.line, at.column, std::move(path), std::move(message), severity};
}

std::string join_path(std::string_view parent, std::string_view key) {
  std::string path(parent);
  if (!path.empty()) path += '.';
  constexpr std::size_t plain_limit = 64;
  if (!key.empty() && key.size() <= plain_limit && std::all_of(key.begin(), key.end(), is_word)) {
    return path.append(key);
  }
  return path + '"' + printable(key) + '"';
}

std::string to_string(const Problem& problem) {
  // Path and message are printable already; the file's name comes from the command line.
  std::string out = printable(problem.file, printed_text_max);
  if (problem.line > 0) out += ':' + std::to_string(problem.line);
  out += ": ";
  if (!problem.path.empty()) out += problem.path + ": ";
  if (problem.severity == Severity::warning) out += "warning: ";
  return out + problem.message;
}

bool has_error(const std::vector<Problem>& problems) {
  return std::any_of(problems.begin(), problems.end(),
                     [](const Problem& problem) { return problem.severity == Severity::error; });
}

Location Locations::find(std::string_view path) const {
  for (;;) {
    if (const auto found = keys.find(path); found != keys.end()) return found->second;
    const std::size_t end = path.find_last_of(".[");
    if (end == std::string_view::npos) return {};
    path = path.substr(0, end);
  }
}

std::string unreadable(std::string_view file_name, std::string_view error) {
  constexpr std::size_t name_max = 256;
  return "cannot read " + printable(file_name, name_max) + ": " + printable(error);
}

}  // namespace pgweir::config
