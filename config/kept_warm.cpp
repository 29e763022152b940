#include "config/kept_warm.hpp"

#include <algorithm>

namespace pgweir::config {

bool can_be_kept_warm(const Settings& settings, const Database& database, const User& user) {
  const bool is_for_console = database.users.empty() && settings.is_console_user(user.name);
  const bool is_unlisted = !settings.users.contains(user.name);
  return database.name != "*" && user.scram_verifier.empty() && !is_for_console && !is_unlisted;
}

bool is_kept_warm(const Settings& settings, const Database& database) {
  if (database.pool.min_size == 0) return false;
  return std::any_of(settings.users.begin(), settings.users.end(), [&](const auto& entry) {
    const auto& [name, user] = entry;
    const bool may_use = database.users.empty() || std::find(database.users.begin(), database.users.end(),
                                                             name) != database.users.end();
    return may_use && can_be_kept_warm(settings, database, user);
  });
}

}  // namespace pgweir::config
