// YAML text to a tree that remembers where everything stands and forgets nothing: duplicate keys stay
// visible.
//
// The tree is built from yaml-cpp's parser events instead of YAML::Node. YAML::Load() recurses as deep as the
// document nests, keeps one of two equal keys without a word, and expands aliases; the events let us stop at
// a depth, see every key, and refuse aliases and tags before they cost anything.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/problem.hpp"

namespace pgweir::config {

inline constexpr std::size_t yaml_nesting_max = 16;
inline constexpr std::size_t yaml_nodes_max = 50'000;

struct Node {
  enum class Kind { null, scalar, sequence, mapping };

  Kind kind = Kind::null;
  Location location;      // of the value
  std::string text;       // of a scalar
  std::string key;        // of an entry of a mapping
  Location key_location;  // as above
  std::vector<Node> children;
};

// Nothing when the text is not one YAML document within the limits; the problems say why. A tree may come
// with problems too (aliases, tags, keys that are not text). Throws std::bad_alloc only.
std::optional<Node> parse_yaml(std::string_view text, std::string_view file, std::vector<Problem>& problems);

}  // namespace pgweir::config
