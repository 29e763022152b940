// LISTEN and UNLISTEN, and what decides when they take effect, read from the text of a query string. Pure;
// any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/sql_tokenizer.hpp"

namespace pgweir {

enum class ListenVerb : std::uint8_t {
  other,         // changes nothing that matters here
  listen,        // LISTEN channel
  unlisten,      // UNLISTEN channel
  unlisten_all,  // UNLISTEN *, DISCARD ALL
  savepoint,     // SAVEPOINT name
  rollback_to,   // ROLLBACK TO name
  release,       // RELEASE name
  commit,        // COMMIT, END
  rollback,      // ROLLBACK, ABORT
};

// One statement. Its tag tells what it did: a COMMIT that is answered with ROLLBACK was not a commit.
struct ListenStep {
  ListenVerb verb = ListenVerb::other;
  std::string name;       // channel or savepoint: folded or unquoted, and cut, as the server keeps it
  bool name_cut = false;  // the server says so in a notice (42622)
  bool operator==(const ListenStep&) const = default;
};

// A query string with more statements is not followed.
inline constexpr std::size_t listen_steps_max = 1'000;

// The statement of a string that is nothing but one LISTEN or UNLISTEN, with or without its semicolon.
// nullopt: it is something else, it is an error (LISTEN select), or its name depends on the server's encoding
// or on U&"..." escapes.
std::optional<ListenStep> parse_listen(std::string_view text, SqlDialect dialect = {});

// Every statement of a query string, in order. nullopt: one of them matters and could not be understood, or
// there are more than listen_steps_max.
std::optional<std::vector<ListenStep>> listen_steps(std::string_view text, SqlDialect dialect = {});

}  // namespace pgweir
