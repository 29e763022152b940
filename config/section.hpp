// A typed walk over the tree: each call reads one key, checks it, and notes what is wrong instead of
// stopping. What was never asked for is unknown, so the list of known keys is the code that reads them.
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/environment.hpp"
#include "config/problem.hpp"
#include "config/settings.hpp"
#include "config/words.hpp"
#include "config/yaml_document.hpp"

namespace pgweir::config {

// What the walk gathers. One for each load.
struct Walk {
  const Environment& environment;
  std::vector<Problem> problems;
  Locations locations;

  void report(Location where, std::string path, std::string message, Severity severity = Severity::error);
};

// One mapping of the file. Readers leave `out` as it is when the key is absent or wrong.
// Holds references to the walk and the node: both outlive it. Call finish() once, at the end.
class Section {
 public:
  // `node` may be null (the section is not in the file), which reads as an empty section.
  Section(Walk& walk, const Node* node, std::string path);

  // False when the section stands in the file as something else than a mapping, which is reported already.
  bool usable() const { return usable_; }
  const std::string& path() const { return path_; }
  Location location() const { return location_; }
  const std::vector<Node>& entries() const;

  // Marks the key as known; nullptr: absent.
  const Node* find(std::string_view key);
  Section section(std::string_view key);

  bool number(std::string_view key, std::uint32_t& out, std::uint32_t min, std::uint32_t max);
  void flag(std::string_view key, bool& out);
  void port(std::string_view key, std::uint16_t& out);
  void duration(std::string_view key, Millis& out);
  bool text(std::string_view key, std::string& out);
  void names(std::string_view key, std::vector<std::string>& out);
  void networks(std::string_view key, std::vector<Network>& out);

  template <class Enum>
  void choice(std::string_view key, Enum& out, std::span<const Choice<Enum>> choices) {
    std::vector<std::string_view> allowed;
    for (const auto& choice : choices) allowed.push_back(choice.name);
    const auto index = choice_index(key, allowed);
    if (index < choices.size()) out = choices[index].value;
  }

  // Reports at the key's value, or at the section when the key is absent.
  void report(std::string_view key, std::string message, Severity severity = Severity::error);
  // Reports every key that nothing asked for.
  void finish();

 private:
  const std::string* scalar(std::string_view key);
  std::size_t choice_index(std::string_view key, std::span<const std::string_view> allowed);
  const Node* lookup(std::string_view key) const;
  void note_entries();
  void report_unknown(const Node& entry);

  Walk& walk_;
  const Node* node_;
  std::string path_;
  Location location_;
  bool usable_ = true;
  std::vector<std::string_view> known_;
};

// Reads the text of a whole number; false: not a number, or outside [min, max], with `error` filled in.
bool parse_number(std::string_view text, std::uint32_t min, std::uint32_t max, std::uint32_t& out,
                  std::string& error);

}  // namespace pgweir::config
