// YAML in, one immutable Settings out, or every problem at once.
// Nothing here throws, whatever the input. Thread rule: any thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/environment.hpp"
#include "config/problem.hpp"
#include "config/settings.hpp"

namespace pgweir::config {

inline constexpr std::size_t document_bytes_max = 1 << 20;
inline constexpr std::size_t secret_file_bytes_max = 64 << 10;

struct LoadResult {
  std::shared_ptr<const Settings> settings;  // null exactly when `problems` holds an error
  std::vector<Problem> problems;             // in the order of the file; may hold warnings only
  Locations locations;                       // for checks that come later, such as check_descriptors()
};

// A value that is used instead of the file's. The path is as problems name it, without quotes: pool.max_size,
// databases.app.pool.max_size.
struct Override {
  std::string path;
  std::string value;
};
using Overrides = std::vector<Override>;

// Reads, parses and validates the file, with the process's environment variables.
LoadResult load_file(const std::string& path, const Overrides& overrides = {});

// The same for a text. `file_name` names it in problems; a relative password_file is looked up beside it.
LoadResult load_text(std::string_view yaml, std::string_view file_name, const Environment& environment,
                     const Overrides& overrides = {});

// Only the section `admin`: for those who ask a running pgweir, and do not have what it was started with, such
// as the variables that hold passwords. Problems elsewhere in the file are not looked for.
struct AdminResult {
  std::optional<Admin> admin;  // empty exactly when `problems` holds an error
  std::vector<Problem> problems;
};
AdminResult load_admin(const std::string& path);
AdminResult load_admin_text(std::string_view yaml, std::string_view file_name,
                            const Environment& environment);

}  // namespace pgweir::config
