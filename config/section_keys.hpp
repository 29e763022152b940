// Reads the keys of keys.hpp out of a section of the file.
#pragma once

#include <algorithm>
#include <string_view>
#include <type_traits>
#include <vector>

#include "config/keys.hpp"
#include "config/section.hpp"
#include "config/words.hpp"

namespace pgweir::config {

class SectionKeys {
 public:
  explicit SectionKeys(Section& section) : section_(section) {}

  void operator()(std::string_view name, std::uint32_t& out, Range range) {
    if (section_.number(name, out, range.min, range.max)) numbers_.push_back(name);
  }
  template <class Member, class... Options>
  void operator()(std::string_view name, Member& out, Options...) {
    read(name, out);
  }

  // The file has this number, and it is one.
  bool has_number(std::string_view name) const {
    return std::find(numbers_.begin(), numbers_.end(), name) != numbers_.end();
  }

 private:
  void read(std::string_view name, std::string& out) { section_.text(name, out); }
  void read(std::string_view name, std::uint16_t& out) { section_.port(name, out); }
  void read(std::string_view name, bool& out) { section_.flag(name, out); }
  void read(std::string_view name, Millis& out) { section_.duration(name, out); }
  void read(std::string_view name, std::vector<std::string>& out) { section_.names(name, out); }
  template <class Enum>
  requires std::is_enum_v<Enum>
  void read(std::string_view name, Enum& out) { section_.choice<Enum>(name, out, words(out)); }

  Section& section_;
  std::vector<std::string_view> numbers_;
};

}  // namespace pgweir::config
