// YAML in, one immutable Settings out, or every problem at once.
// Nothing here throws, whatever the input. Thread rule: any thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/environment.hpp"
#include "config/problem.hpp"
#include "config/settings.hpp"

namespace pgweir::config {

inline constexpr std::size_t kMaxDocumentBytes = 1 << 20;
inline constexpr std::size_t kMaxSecretFileBytes = 64 << 10;

struct LoadResult {
  std::shared_ptr<const Settings> settings;  // null exactly when `problems` holds an error
  std::vector<Problem> problems;             // in the order of the file; may hold warnings only
  Locations locations;                       // for checks that come later, such as check_descriptors()
};

// Reads, parses and validates the file, with the process's environment variables.
LoadResult load_file(const std::string& path);

// The same for a text. `file_name` names it in problems; a relative password_file is looked up beside it.
LoadResult load_text(std::string_view yaml, std::string_view file_name, const Environment& environment);

}  // namespace pgweir::config
