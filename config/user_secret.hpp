// Where a user's secret comes from. Nothing that this file reports repeats a value: a password written after
// the wrong key stays out of the log too.
#pragma once

#include "config/section.hpp"
#include "config/settings.hpp"

namespace pgweir::config {

// Reads the one source of a user's secret: password, password_env, password_file, scram_verifier, or where
// AWS keeps it. Empty when there is none, or when it is wrong, which is reported. `required`: having no
// source is an error.
void read_secret(Walk& walk, Section& section, bool required, User& out);

}  // namespace pgweir::config
