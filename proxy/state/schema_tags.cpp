#include "proxy/state/schema_tags.hpp"

#include <algorithm>
#include <array>

namespace pgweir {

bool changes_schema(std::string_view tag) {
  // The first letter decides for almost every tag.
  constexpr std::string_view first_letters = "CADIGR";
  if (tag.empty() || first_letters.find(tag[0]) == std::string_view::npos) return false;
  for (const std::string_view beginning : {"CREATE ", "ALTER ", "DROP "}) {
    if (tag.starts_with(beginning)) return true;
  }
  // Policies are for roles, and PostgreSQL before 15.20 keeps plans when the members of a role have changed.
  // A schema that a role may not use is left out where its names are looked up.
  const bool changes_rights =
      tag.starts_with("GRANT") || tag.starts_with("REVOKE") || tag == "REASSIGN OWNED";
  return changes_rights || tag == "IMPORT FOREIGN SCHEMA" || tag == "COMMIT PREPARED";
}

bool changes_functions(std::string_view tag) {
  static constexpr std::array<std::string_view, 3> commands = {"CREATE ", "ALTER ", "DROP "};
  static constexpr std::array<std::string_view, 17> kinds = {
      "FUNCTION",      "PROCEDURE", "ROUTINE",        "AGGREGATE",         "EXTENSION",
      "LANGUAGE",      "SCHEMA",    "VIEW",           "MATERIALIZED VIEW", "RULE",
      "POLICY",        "OPERATOR",  "OPERATOR CLASS", "OPERATOR FAMILY",   "TRIGGER",
      "EVENT TRIGGER", "CAST"};
  if (tag == "DO" || tag == "DROP OWNED" || tag == "ALTER TABLE") return true;
  for (const std::string_view command : commands) {
    if (!tag.starts_with(command)) continue;
    return std::find(kinds.begin(), kinds.end(), tag.substr(command.size())) != kinds.end();
  }
  return false;
}

}  // namespace pgweir
