// pgweir serve | check | doctor | explain-pin | healthcheck | version
#include <CLI/CLI.hpp>
#include <algorithm>
#include <exception>
#include <iostream>
#include <memory>

#include "config/load.hpp"
#include "config/suggest.hpp"
#include "config/validate.hpp"
#include "proxy/base/log.hpp"
#include "proxy/doctor/budget.hpp"
#include "proxy/doctor/doctor_command.hpp"
#include "proxy/explain/explain_pin_command.hpp"
#include "proxy/login/snapshot.hpp"
#include "proxy/process/healthcheck.hpp"
#include "proxy/process/serve.hpp"

namespace {

using namespace pgweir;

constexpr int exit_ok = 0;
constexpr int exit_problem = 1;
constexpr const char* config_help = "the YAML configuration file, or env:NAME for what that variable holds";
constexpr int exit_usage = 2;  // the command line is wrong

// Finds everything that is wrong with a configuration, on this machine.
config::LoadResult load(const std::string& path, std::uint64_t descriptors) {
  config::LoadResult result = config::load_file(path);
  if (!result.settings) return result;
  load_tls_files(*result.settings, {}, result.locations, result.problems);
  check_verifiers(*result.settings, result.locations, result.problems);
  for (config::Problem& problem :
       config::check_descriptors(*result.settings, descriptors, result.locations)) {
    result.problems.push_back(std::move(problem));
  }
  if (config::has_error(result.problems)) result.settings.reset();
  return result;
}

void print(const std::vector<config::Problem>& problems) {
  for (const config::Problem& problem : problems) std::cerr << config::to_string(problem) << '\n';
}

int serve(const std::string& path) {
  const config::LoadResult loaded = load(path, raise_descriptor_limit());
  print(loaded.problems);
  if (!loaded.settings) return exit_problem;
  log::start(loaded.settings->log);
  return run_server(path, loaded.settings);
}

int check(const std::string& path, const doctor::BudgetOptions& budget) {
  const config::LoadResult loaded = load(path, raise_descriptor_limit());
  print(loaded.problems);
  if (!loaded.settings) return exit_problem;
  if (budget.wanted()) {
    log::start({config::LogFormat::text, config::LogLevel::error});  // standard output is for the answer
    for (const std::string& warning : doctor::budget_warnings(*loaded.settings, budget))
      std::cerr << path << ": warning: " << warning << '\n';
  }
  std::cout << path << ": ok\n";
  return exit_ok;
}

int healthcheck(const std::string& path, bool ready) {
  const config::AdminResult loaded = config::load_admin(path);
  print(loaded.problems);
  if (!loaded.admin) return exit_problem;
  std::string answer;
  const bool well =
      ask_health(loaded.admin->host, loaded.admin->port, ready ? "/readyz" : "/healthz", answer);
  std::cout << answer;
  return well ? exit_ok : exit_problem;
}

// By default it asks only what a restart may cure: a container that waits for its database must not be
// killed.
void add_healthcheck(CLI::App& app, int& code) {
  CLI::App* sub =
      app.add_subcommand("healthcheck", "Ask the running process whether it lives (/healthz); exit 0 if so.");
  const auto path = std::make_shared<std::string>();
  const auto ready = std::make_shared<bool>(false);
  sub->add_option("CONFIG", *path, config_help)->required();
  sub->add_flag("--ready", *ready, "ask whether it should be sent clients (/readyz) instead");
  sub->callback([&code, path, ready] { code = healthcheck(*path, *ready); });
}

void add_explain_pin(CLI::App& app, int& code) {
  CLI::App* sub = app.add_subcommand(
      "explain-pin", "Tell what a statement would do to a session in transaction mode; connects to nothing.");
  const auto options = std::make_shared<ExplainPinOptions>();
  sub->add_option("SQL", options->sql, "the text of one query; - reads it from standard input")->required();
  sub->add_flag("--json", options->json, "print one line of JSON");
  sub->add_flag("--strict", options->judgement.strict, "explain for pool.state: strict");
  sub->add_flag("--trust-triggers", options->judgement.trust_triggers,
                "explain for pool.trust_triggers: true");
  sub->allow_extras();  // to say more than that they were not expected
  sub->callback([&code, options, sub] {
    for (const std::string& each : sub->remaining()) {
      const bool is_option = each.size() > 2 && each.starts_with("--");
      throw CLI::ParseError(is_option ? "unknown option " + config::printable(each)
                                      : "the statement is several words: put the SQL in quotes",
                            CLI::ExitCodes::ExtrasError);
    }
    code = run_explain_pin(*options);
  });
}

void add_check(CLI::App& app, int& code) {
  CLI::App* sub = app.add_subcommand(
      "check",
      "Report every problem of CONFIG and exit 1 if there is one; connects to nothing, unless told so.");
  const auto path = std::make_shared<std::string>();
  const auto budget = std::make_shared<doctor::BudgetOptions>();
  sub->add_option("CONFIG", *path, config_help)->required();
  sub->add_option("--tasks", budget->tasks, "how many pgweir run")->check(CLI::Range(1U, 10000U));
  sub->add_option("--overlap", budget->overlap, "how many times of these while deploying; otherwise 2")
      ->check(CLI::Range(1U, 10U));
  sub->add_option("--server-connections", budget->server_connections,
                  "what a server has for them: warn if the pools may need more");
  sub->add_flag("--connect", budget->connect, "ask the servers for that");
  sub->callback([&code, path, budget] { code = check(*path, *budget); });
}

void add_doctor(CLI::App& app, int& code) {
  CLI::App* sub = app.add_subcommand(
      "doctor", "Tell why a connection does not work: from here, and from what `aws ... describe-*` says.");
  const auto options = std::make_shared<doctor::DoctorOptions>();
  sub->add_option("CONFIG", options->config, "a configuration: try its database from here");
  sub->add_option("--from", options->directory, "a directory of collected documents: judge these");
  sub->add_option("--database", options->database, "which of the configuration; otherwise its first");
  sub->add_option("--user", options->user, "whom to log in; otherwise the first");
  sub->add_option("--through", options->through, "HOST:PORT of the load balancer in front of pgweir");
  sub->add_option("--tasks", options->tasks, "how many pgweir run, for the connection budget");
  sub->add_flag("--json", options->json, "print one line of JSON");
  sub->add_flag("--print-collect", options->print_collect, "print the commands that fill the directory");
  sub->callback([&code, options] { code = doctor::run_doctor(*options); });
}

// What the library would say of it is that a command is missing. True: it is none.
bool is_unknown_command(const CLI::App& app, const std::string& word) {
  std::vector<std::string> names;
  for (const CLI::App* each : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(each->get_name());
  if (std::find(names.begin(), names.end(), word) != names.end()) return false;
  const std::string_view guess =
      config::suggest(word, std::vector<std::string_view>(names.begin(), names.end()));
  std::cerr << "pgweir: unknown subcommand '" << config::printable(word) << '\'';
  if (!guess.empty()) std::cerr << "; did you mean " << guess << '?';
  std::cerr << "\nRun with --help for more information.\n";
  return true;
}

// Of an option that does not exist the library says no word where something else is missing, too, although
// that mostly is for a misspelt option. True: there is one.
bool has_unknown_option(const CLI::App& app) {
  for (const std::string& word : app.remaining(true)) {
    if (word.size() < 2 || word[0] != '-' || word == "--") continue;
    std::cerr << "pgweir: unknown option '" << config::printable(word)
              << "'\nRun with --help for more information.\n";
    return true;
  }
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "pgweir: a PostgreSQL connection pool between many short-lived clients and a small warm set of server "
      "connections");
  app.require_subcommand(1);
  const std::string version = std::string("pgweir ") + PGWEIR_VERSION;
  app.set_version_flag("--version", version, "Print the version and exit");
  std::string path;
  int code = exit_ok;
  const auto command = [&](const char* name, const char* help, int (*run)(const std::string&)) {
    CLI::App* sub = app.add_subcommand(name, help);
    sub->add_option("CONFIG", path, config_help)->required();
    sub->callback([&code, &path, run] { code = run(path); });
  };
  command("serve", "Run the pool. SIGTERM drains, a second one ends at once; SIGHUP reloads CONFIG.", serve);
  add_check(app, code);
  add_healthcheck(app, code);
  add_explain_pin(app, code);
  add_doctor(app, code);
  app.add_subcommand("version", "Print the version.")->callback([&version] { std::cout << version << '\n'; });
  if (argc > 1 && argv[1][0] != '-' && is_unknown_command(app, argv[1])) return exit_usage;
  try {
    app.parse(argc, argv);
  } catch (const CLI::RequiredError& e) {
    if (!has_unknown_option(app)) app.exit(e);
    return exit_usage;
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == exit_ok ? exit_ok : exit_usage;  // --help is not a failure
  } catch (const std::exception& e) {
    std::cerr << "pgweir: " << e.what() << '\n';
    return exit_problem;
  }
  return code;
}
