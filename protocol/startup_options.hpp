// The startup parameter `options`: a command line, split and read by PostgreSQL's own rules (pg_split_opts in
// postinit.c; the switches -c and -- of postgres, documentation 20.1.3). What a client puts into this string
// must be seen as settings, and never be forwarded as text. Pure function: any thread.
#pragma once

#include <string_view>
#include <vector>

#include "protocol/errc.hpp"
#include "protocol/startup.hpp"

namespace pgweir {

// Appends the settings in the order in which PostgreSQL applies them: of equal names the last one wins.
//   words are separated by white space; a backslash makes the next character part of the word;
//   `-c name=value`, `-cname=value`, `--name=value`; in all three, dashes in the name become underscores.
// bad_options: anything else, the other switches of postgres included. An empty value is allowed (`-c a=`).
// No limit of its own on the length: the startup packet's limit is in force. On error `out` is unspecified.
Errc parse_startup_options(std::string_view options, std::vector<StartupParameter>& out);

}  // namespace pgweir
