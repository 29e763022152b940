#include "config/pass_through.hpp"

#include <algorithm>

#include "config/validate.hpp"

namespace pgweir::config {
namespace {

// A server cuts a longer name, and takes it for another user.
constexpr std::size_t user_name_bytes_max = 63;

bool is_verified(const ServerTls& tls) {
  return tls.mode == TlsMode::verify_full || tls.mode == TlsMode::verify_ca;
}

constexpr Millis forget_after_min = std::chrono::seconds{1};

class Check {
 public:
  explicit Check(const Settings& settings) : settings_(settings) {}

  std::vector<PassThroughProblem> run() {
    for (const auto& [name, database] : settings_.databases) {
      if (database.pass_through.on()) check(database, join_path("databases", name));
    }
    return std::move(problems_);
  }

 private:
  void report(std::string path, std::string message) {
    problems_.push_back({std::move(path), std::move(message)});
  }

  void check(const Database& database, const std::string& path) {
    const std::string at = path + ".pass_through";
    if (settings_.listen.tls.mode == TlsMode::disable)
      report(at, "needs listen.tls.mode prefer or require: the client tells the password itself");
    if (!is_loopback(database.host) && !is_verified(database.tls))
      report(at, "needs tls.mode verify-full or verify-ca: the server judges passwords that are not ours");
    if (database.iam)
      report(at, "iam logs in by tokens, so that no password can be proved; give one of the two");
    if (database.pass_through.recheck.count() == 0)
      report(at + ".recheck", "must not be 0: each login would need one to the server");
    if (database.pass_through.forget_after < forget_after_min)
      report(at + ".forget_after",
             "must be a second at least: the pool would go before its first client is in");
    check_users(database, at + ".users");
  }

  // A reader of such a file would believe that the server judges the passwords of these users.
  void check_users(const Database& database, const std::string& path) {
    const std::vector<std::string>& users = database.pass_through.users;
    for (std::size_t i = 0; i < users.size(); ++i) {
      const std::string at = path + '[' + std::to_string(i) + ']';
      if (users[i].empty()) report(at, "the name is empty");
      if (settings_.find_user(users[i]) != nullptr)
        report(at, "is under users, which goes first: such a user proves what is said there");
      else if (settings_.is_console_user(users[i]))
        report(at, "may use the console, so it has to be under users");
    }
  }

  const Settings& settings_;
  std::vector<PassThroughProblem> problems_;
};

}  // namespace

bool matches_pattern(std::string_view pattern, std::string_view name) {
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == name;
  if (!name.starts_with(pattern.substr(0, star))) return false;
  name.remove_prefix(star);
  // What stands between two stars is found as early as it can be; what is after the last one is the end.
  std::string_view rest = pattern.substr(star + 1);
  for (std::size_t next = 0; (next = rest.find('*')) != std::string_view::npos;) {
    const std::size_t found = name.find(rest.substr(0, next));
    if (found == std::string_view::npos) return false;
    name.remove_prefix(found + next);
    rest.remove_prefix(next + 1);
  }
  return name.ends_with(rest);
}

const Database* pass_through_of(const Settings& settings, std::string_view database, std::string_view user) {
  // These names are the console's, even if a database has one of them.
  if (is_console_database(database) || user.size() > user_name_bytes_max) return nullptr;
  const Database* const entry = settings.find_database(database);
  if (entry == nullptr || settings.find_user(user) != nullptr || settings.is_console_user(user))
    return nullptr;
  const std::vector<std::string>& patterns = entry->pass_through.users;
  const bool fits = std::any_of(patterns.begin(), patterns.end(),
                                [&](const std::string& pattern) { return matches_pattern(pattern, user); });
  return fits ? entry : nullptr;
}

std::vector<PassThroughProblem> check_pass_through(const Settings& settings) {
  return Check(settings).run();
}

}  // namespace pgweir::config
