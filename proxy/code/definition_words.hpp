// Words in a source which say that it may change what pgweir has read of the database: its code, or the settings that a
// login gets. Pure; any thread.
#pragma once

#include <string_view>

namespace pgweir {

struct DefinitionWords {
  bool change_code = false;      // CREATE, ALTER or DROP of functions, triggers and what else calls them
  bool change_defaults = false;  // ALTER ROLE, USER or DATABASE, perhaps with SET

  bool empty() const { return !change_code && !change_defaults; }
  void add(const DefinitionWords& other) {
    change_code = change_code || other.change_code;
    change_defaults = change_defaults || other.change_defaults;
  }
};

// The source may be in any language: strings and comments count like all else, as strings may be run. What is put together of
// parts of words, or passed as an argument, is not seen.
DefinitionWords find_definition_words(std::string_view source);

}  // namespace pgweir
