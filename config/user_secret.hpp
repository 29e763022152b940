// Where a user's secret comes from. Nothing that this file reports repeats a value: a password written behind
// the wrong key stays out of the log too.
#pragma once

#include "config/section.hpp"
#include "config/settings.hpp"

namespace pgweir::config {

// Reads the one source of `user`: password, password_env or password_file. Empty when there is none, or when
// it is wrong, which is reported. `required`: having no source is an error.
Secret read_secret(Walk& walk, Section& user, bool required);

}  // namespace pgweir::config
