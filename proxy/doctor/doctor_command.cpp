#include "proxy/doctor/doctor_command.hpp"

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <optional>

#include "config/load.hpp"
#include "proxy/base/log.hpp"
#include "proxy/doctor/live_checks.hpp"
#include "proxy/doctor/report.hpp"
#include "proxy/documents/static_checks.hpp"

namespace pgweir::doctor {
namespace {

constexpr int exit_cannot_run = 2;

void print_collection() {
  std::cout << "# Reads only. Run them where the AWS CLI may, with the words in capitals replaced, then:\n"
               "#   pgweir doctor --from DIR\nmkdir -p DIR\n";
  for (const Collected& one : collection())
    std::cout << "aws " << one.command << " --output json > DIR/" << one.name << ".json\n";
}

// What the checks are about.
struct Target {
  std::optional<config::Database> database;
  const config::User* user = nullptr;
};

constexpr std::string_view any_database = "*";

// "*" takes the name that is asked for, as it does for clients, and has none of its own to try.
std::optional<config::Database> choose_database(const config::Settings& settings, const std::string& name) {
  if (name.empty()) {
    for (const auto& [each, database] : settings.databases) {
      if (each != any_database) return database;
    }
    return std::nullopt;
  }
  const config::Database* const found = name == any_database ? nullptr : settings.find_database(name);
  if (found == nullptr) return std::nullopt;
  config::Database database = *found;
  if (found->name == any_database) database.name = database.dbname = name;
  return database;
}

Target choose(const config::Settings& settings, const DoctorOptions& options) {
  Target target{choose_database(settings, options.database)};
  if (!target.database) return target;
  const auto& users = target.database->users;
  for (const auto& [name, user] : settings.users) {
    const bool may = users.empty() || std::find(users.begin(), users.end(), name) != users.end();
    if (target.user == nullptr && may && (options.user.empty() || options.user == name)) target.user = &user;
  }
  return target;
}

std::uint32_t all_pools(const config::Settings& settings) {
  std::size_t sum = 0;
  for (const auto& [name, database] : settings.databases)
    sum += database.pool.max_size * (database.users.empty() ? settings.users.size() : database.users.size());
  return static_cast<std::uint32_t>(sum);
}

template <class Map>
std::string names_of(const Map& map) {
  std::string text;
  for (const auto& [name, value] : map) text += (text.empty() ? "" : ", ") + config::printable(name);
  return text;
}

template <class Map>
std::string no_such(const char* what, const std::string& name, const Map& map) {
  return "the configuration has no " + std::string(what) + " \"" + config::printable(name) +
         "\"; it has: " + names_of(map);
}

// Why there is nothing to try.
std::string explain_no_target(const config::Settings& settings, const DoctorOptions& options,
                              const Target& target) {
  if (!target.database && settings.find_database(any_database) != nullptr)
    return "\"*\" stands for every database that the configuration does not name: give the name of one, "
           "--database NAME";
  if (!target.database) return no_such("database", options.database, settings.databases);
  if (!options.user.empty() && settings.find_user(options.user) == nullptr)
    return no_such("user", options.user, settings.users);
  const std::string& database = target.database->name;
  std::string users;
  for (const std::string& each : target.database->users)
    users += (users.empty() ? "" : ", ") + config::printable(each);
  const std::string who = options.user.empty() ? "no user of the configuration"
                                               : "user \"" + config::printable(options.user) + "\"";
  return who + (options.user.empty() ? " may use database \"" : " may not use database \"") +
         config::printable(database) + "\": " + config::join_path("databases", database) +
         ".users has: " + users;
}

// On standard error, so that standard output is for findings only.
void tell_target(const config::Settings& settings, const Target& target) {
  std::cerr << "pgweir doctor: tries database \"" << config::printable(target.database->name)
            << "\" as user \"" << config::printable(target.user->name) << "\" at "
            << config::printable(target.database->host) << ':' << target.database->port << '\n';
  if (settings.databases.size() > 1)
    std::cerr << "  --database chooses another one: " << names_of(settings.databases) << '\n';
  if (settings.users.size() > 1)
    std::cerr << "  --user chooses another one: " << names_of(settings.users) << '\n';
}

int cannot_run(const std::string& why) {
  std::cerr << "pgweir doctor: " << why << '\n';
  return exit_cannot_run;
}

}  // namespace

int run_doctor(const DoctorOptions& options) {
  if (options.print_collect) return print_collection(), 0;
  log::start({config::LogFormat::text, config::LogLevel::error});  // standard output is for findings only
  if (options.config.empty() && options.directory.empty())
    return cannot_run("give a configuration, or --from DIR, or both; --print-collect tells how to fill DIR");
  std::vector<Finding> findings;
  Expectation expected;
  expected.user = options.user;
  config::LoadResult loaded;
  if (!options.config.empty()) {
    loaded = config::load_file(options.config);
    for (const config::Problem& one : loaded.problems) std::cerr << config::to_string(one) << '\n';
    if (!loaded.settings) return exit_cannot_run;
    const Target target = choose(*loaded.settings, options);
    if (!target.database || target.user == nullptr)
      return cannot_run(explain_no_target(*loaded.settings, options, target));
    tell_target(*loaded.settings, target);
    expected = {target.database->port, target.user->name, all_pools(*loaded.settings)};
    findings =
        run_live_checks({*loaded.settings, *target.database, *target.user, options.through, options.tasks});
  }
  if (!options.directory.empty()) {
    if (!std::filesystem::is_directory(options.directory))
      return cannot_run(options.directory + " is not a directory");
    std::vector<std::string> problems;
    const Scene scene = read_scene(Documents::read(options.directory, problems), expected);
    for (const std::string& one : problems) std::cerr << one << '\n';
    for (Finding& finding : run_static_checks(scene)) findings.push_back(std::move(finding));
  }
  rank(findings);
  std::cout << (options.json ? as_json(findings) : as_table(findings));
  return exit_code(findings);
}

}  // namespace pgweir::doctor
