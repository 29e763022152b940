// How long to wait between logins to a server that refuses them.
#pragma once

#include <chrono>

namespace pgweir {

// Delays between logins while the server refuses them: an outage must not be followed by a storm of logins,
// nor by a long blackout (PgBouncer's server_login_retry is 15 s).
constexpr std::chrono::milliseconds login_backoff_min{50};
constexpr std::chrono::milliseconds login_backoff_max{400};

}  // namespace pgweir
