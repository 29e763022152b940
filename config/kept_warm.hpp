// Which pools hold connections to the server without any client. Pure.
#pragma once

#include "config/settings.hpp"

namespace pgweir::config {

// Whether min_size counts for the pool of this user: without a password it takes a client's login to open the
// first connection, users of the console need not exist on the server, and neither need a database that "*" stands for.
bool can_be_kept_warm(const Settings& settings, const Database& database, const User& user);

// Whether any pool of this database is kept warm.
bool is_kept_warm(const Settings& settings, const Database& database);

}  // namespace pgweir::config
