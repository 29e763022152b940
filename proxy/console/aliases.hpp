// Settings by their names in PgBouncer, for SHOW CONFIG and SET: tools and people know those. Durations there
// are whole seconds. Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace pgweir {

struct Alias {
  std::string_view name;
  std::string_view path;  // in the YAML file
  bool seconds = false;
};
std::span<const Alias> aliases();
// The setting that `key` means: the path of an alias, or itself.
const Alias* find_alias(std::string_view key);

// Translates "120s" to "120", and back. What is not a whole number stays as it is.
std::string to_pgbouncer(const Alias& alias, const std::string& value);
std::string from_pgbouncer(const Alias& alias, const std::string& value);

}  // namespace pgweir
