#include "config/section.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>

#include "config/duration.hpp"
#include "config/suggest.hpp"

namespace pgweir::config {

namespace {

std::string_view describe(Node::Kind kind) {
  switch (kind) {
    case Node::Kind::null:
      return "nothing";
    case Node::Kind::scalar:
      return "a single value";
    case Node::Kind::sequence:
      return "a list";
    case Node::Kind::mapping:
      return "a section";
  }
  return "?";
}

std::string join(std::span<const std::string_view> words) {
  std::string out;
  for (const std::string_view word : words) {
    if (!out.empty()) out += ", ";
    out += word;
  }
  return out;
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> known) {
  const std::string_view guess = suggest(word, known);
  return guess.empty() ? std::string() : "; did you mean " + std::string(guess) + "?";
}

const std::vector<Node> no_entries;

}  // namespace

void Walk::report(Location where, std::string path, std::string message, Severity severity) {
  problems.push_back(
      {locations.file, where.line, where.column, std::move(path), std::move(message), severity});
}

bool parse_number(std::string_view text, std::uint32_t min, std::uint32_t max, std::uint32_t& out,
                  std::string& error) {
  const std::string range = "from " + std::to_string(min) + " to " + std::to_string(max);
  std::int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, code] = std::from_chars(text.data(), end, value);
  if (code == std::errc::invalid_argument || rest != end) {
    error = "expected a whole number " + range + ", found \"" + printable(text) + '"';
    return false;
  }
  if (code != std::errc() || value < min || value > max) {
    error = printable(text) + " is out of range, expected a whole number " + range;
    return false;
  }
  out = static_cast<std::uint32_t>(value);
  return true;
}

Section::Section(Walk& walk, const Node* node, std::string path)
    : walk_(walk), node_(node), path_(std::move(path)) {
  if (node_ == nullptr) return;
  location_ = node_->key_location.line > 0 ? node_->key_location : node_->location;
  if (node_->kind == Node::Kind::null) return;
  if (node_->kind != Node::Kind::mapping) {
    usable_ = false;
    // The value is not repeated: `app_user: hunter2` is a password in the wrong place.
    walk_.report(node_->location, path_,
                 "expected a section of \"key: value\" entries, found " + std::string(describe(node_->kind)));
    return;
  }
  note_entries();
}

void Section::note_entries() {
  std::map<std::string_view, int> first_line;
  for (const Node& entry : node_->children) {
    const std::string path = join_path(path_, entry.key);
    const auto [first, is_new] = first_line.emplace(entry.key, entry.key_location.line);
    if (is_new) {
      walk_.locations.keys.emplace(path, entry.key_location);
      continue;
    }
    walk_.report(entry.key_location, path,
                 "duplicate key, already set on line " + std::to_string(first->second));
  }
}

const std::vector<Node>& Section::entries() const {
  return node_ != nullptr && usable_ ? node_->children : no_entries;
}

const Node* Section::lookup(std::string_view key) const {
  const auto& all = entries();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const Node& entry) { return entry.key == key; });
  return found == all.end() ? nullptr : &*found;
}

const Node* Section::find(std::string_view key) {
  known_.push_back(key);
  return lookup(key);
}

Section Section::section(std::string_view key) {
  return {walk_, find(key), join_path(path_, key)};
}

// The text of a key that holds a single value; null when it is absent, or wrong and reported.
const std::string* Section::scalar(std::string_view key) {
  const Node* const node = find(key);
  if (node == nullptr) return nullptr;
  if (node->kind == Node::Kind::scalar) return &node->text;
  if (node->kind == Node::Kind::null) {
    report(key, "has no value; give it one or remove the key");
  } else {
    report(key, "expected a single value, found " + std::string(describe(node->kind)));
  }
  return nullptr;
}

bool Section::number(std::string_view key, std::uint32_t& out, std::uint32_t min, std::uint32_t max) {
  const std::string* const value = scalar(key);
  if (value == nullptr) return false;
  std::string error;
  if (parse_number(*value, min, max, out, error)) return true;
  report(key, std::move(error));
  return false;
}

void Section::flag(std::string_view key, bool& out) {
  constexpr std::array<Choice<bool>, 2> words{{{"true", true}, {"false", false}}};
  choice<bool>(key, out, words);
}

void Section::port(std::string_view key, std::uint16_t& out) {
  std::uint32_t value = 0;
  if (number(key, value, 1, 65535)) out = static_cast<std::uint16_t>(value);
}

void Section::duration(std::string_view key, Millis& out) {
  const std::string* const value = scalar(key);
  if (value == nullptr) return;
  DurationResult result = parse_duration(*value);
  if (!result.value) return report(key, std::move(result.error));
  out = *result.value;
}

bool Section::text(std::string_view key, std::string& out) {
  const std::string* const value = scalar(key);
  if (value == nullptr) return false;
  if (value->empty()) {
    report(key, "is empty");
    return false;
  }
  out = *value;
  return true;
}

void Section::names(std::string_view key, std::vector<std::string>& out) {
  const Node* const node = find(key);
  if (node == nullptr) return;
  if (node->kind != Node::Kind::sequence) {
    return report(key, "expected a list such as [alice, bob], found " + std::string(describe(node->kind)));
  }
  const std::string path = join_path(path_, key);
  std::vector<std::string> names;
  for (const Node& item : node->children) {
    const std::string item_path = path + '[' + std::to_string(names.size()) + ']';
    walk_.locations.keys.emplace(item_path, item.location);
    if (item.kind != Node::Kind::scalar) walk_.report(item.location, item_path, "expected a name");
    names.push_back(item.text);
  }
  out = std::move(names);
}

void Section::networks(std::string_view key, std::vector<Network>& out) {
  std::vector<std::string> texts;
  names(key, texts);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    std::string error;
    if (const std::optional<Network> network = parse_network(texts[i], error)) {
      out.push_back(*network);
    } else {
      const std::string path = join_path(path_, key) + '[' + std::to_string(i) + ']';
      walk_.report(walk_.locations.find(path), path, '"' + printable(texts[i]) + "\": " + error);
    }
  }
}

// The index into `allowed`, or its size when there is no valid value.
std::size_t Section::choice_index(std::string_view key, std::span<const std::string_view> allowed) {
  const std::string* const value = scalar(key);
  if (value == nullptr) return allowed.size();
  const auto found = std::find(allowed.begin(), allowed.end(), *value);
  if (found != allowed.end()) return static_cast<std::size_t>(found - allowed.begin());
  report(key, "unknown value \"" + printable(*value) + "\"; expected " + join(allowed) +
                  did_you_mean(*value, allowed));
  return allowed.size();
}

void Section::report(std::string_view key, std::string message, Severity severity) {
  const Node* const node = lookup(key);
  walk_.report(node != nullptr ? node->location : location_, join_path(path_, key), std::move(message),
               severity);
}

void Section::finish() {
  for (const Node& entry : entries()) {
    if (std::find(known_.begin(), known_.end(), entry.key) == known_.end()) report_unknown(entry);
  }
}

void Section::report_unknown(const Node& entry) {
  // In `{password:hunter2}` the key is the whole text: only what stands before the colon may be repeated.
  if (const std::size_t colon = entry.key.find(':'); colon != std::string::npos) {
    walk_.report(entry.key_location, join_path(path_, std::string_view(entry.key).substr(0, colon)),
                 "unknown key; between a key's colon and its value stands a space");
    return;
  }
  walk_.report(entry.key_location, join_path(path_, entry.key),
               "unknown key" + did_you_mean(entry.key, known_));
}

}  // namespace pgweir::config
