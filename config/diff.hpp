// What a reload changes, for its log lines.
// Thread rule: pure function.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/settings.hpp"

namespace pgweir::config {

enum class Applies {
  now,      // new logins, borrows and deadlines use it
  restart,  // bound sockets and the number of workers stay as they are until the process is started again
};

struct Change {
  std::string path;  // databases.app.pool.max_size
  std::string from;  // as in the file; a secret is "***"; an entry that came or went is "absent" or "present"
  std::string to;
  Applies applies = Applies::now;
  bool operator==(const Change&) const = default;
};

// Sorted by path. A database or user that came or went is one change, not one for each of its keys.
std::vector<Change> diff(const Settings& from, const Settings& to);
// The same for a process that was started with `started`: what goes back to that needs no restart.
std::vector<Change> diff(const Settings& from, const Settings& to, const Settings& started);

// Every value that the settings have, sorted by path, printed as a Change prints it. For a setting that is
// not under databases or users, Settings{} has the default.
struct Setting {
  std::string path;
  std::string value;
  Applies applies = Applies::now;
};
std::vector<Setting> list_settings(const Settings& settings);

std::string_view to_string(Applies applies);
// "databases.app.pool.max_size: 20 -> 30", and " (needs a restart)" where it does.
std::string to_string(const Change& change);

}  // namespace pgweir::config
