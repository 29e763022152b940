// pgweir serve | check | healthcheck | version
#include <CLI/CLI.hpp>
#include <exception>
#include <iostream>

#include "config/load.hpp"
#include "config/validate.hpp"
#include "proxy/healthcheck.hpp"
#include "proxy/log.hpp"
#include "proxy/serve.hpp"

namespace {

using namespace pgweir;

constexpr int exit_ok = 0;
constexpr int exit_problem = 1;

// Everything that is wrong with a configuration, on this machine.
config::LoadResult load(const std::string& path, std::uint64_t descriptors) {
  config::LoadResult result = config::load_file(path);
  if (!result.settings) return result;
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

int check(const std::string& path) {
  const config::LoadResult loaded = load(path, raise_descriptor_limit());
  print(loaded.problems);
  if (!loaded.settings) return exit_problem;
  std::cout << path << ": ok\n";
  return exit_ok;
}

int healthcheck(const std::string& path) {
  const config::LoadResult loaded = config::load_file(path);
  if (!loaded.settings) {
    print(loaded.problems);
    return exit_problem;
  }
  std::string answer;
  const bool ready = ask_ready(loaded.settings->admin.host, loaded.settings->admin.port, answer);
  std::cout << answer;
  return ready ? exit_ok : exit_problem;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "pgweir: a PostgreSQL connection pool between many short-lived clients and a small warm set of server "
      "connections");
  app.require_subcommand(1);
  std::string path;
  int code = exit_ok;
  const auto command = [&](const char* name, const char* help, int (*run)(const std::string&)) {
    CLI::App* sub = app.add_subcommand(name, help);
    sub->add_option("CONFIG", path, "the YAML configuration file")->required();
    sub->callback([&code, &path, run] { code = run(path); });
  };
  command("serve", "Run the pool. SIGTERM drains, a second one ends at once; SIGHUP reloads CONFIG.", serve);
  command("check", "Report every problem of CONFIG and exit 1 if there is one; connects to nothing.", check);
  command("healthcheck", "Ask the running process whether it can serve; exit 0 if so.", healthcheck);
  app.add_subcommand("version", "Print the version.")->callback([] {
    std::cout << "pgweir " << PGWEIR_VERSION << '\n';
  });
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e);
  } catch (const std::exception& e) {
    std::cerr << "pgweir: " << e.what() << '\n';
    return exit_problem;
  }
  return code;
}
