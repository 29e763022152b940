// pgweir-bench: the command line of the load generator.
// Exit codes: 0 it ran, 1 it ran and something failed (`fleet`: only with --fail-on-errors), 2 it could not
// run.
#include <cstring>
#include <exception>
#include <iostream>

#include "bench/command.hpp"

using namespace pgweir::bench;

namespace {

// The command line stays readable in the process list for as long as a burst runs.
void hide_passwords(int argc, char** argv) {
  constexpr std::string_view password_option = "--password";
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == password_option && i + 1 < argc) std::memset(argv[i + 1], '*', std::strlen(argv[i + 1]));
    if (argument.starts_with("--password="))
      std::memset(argv[i] + password_option.size() + 1, '*', argument.size() - password_option.size() - 1);
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"pgweir-bench: load for PostgreSQL servers and poolers"};
  app.set_version_flag("--version", "pgweir-bench " PGWEIR_VERSION);
  app.require_subcommand(1);
  const Command commands[] = {add_burst(app), add_fleet(app), add_table(app)};
  try {
    app.parse(argc, argv);
    hide_passwords(argc, argv);
    for (const Command& command : commands)
      if (command.parsed_by->parsed()) return command.run();
    return exit_cannot_start;
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? exit_served : exit_cannot_start;
  } catch (const std::exception& error) {
    std::cerr << "pgweir-bench: " << error.what() << '\n';
    return exit_cannot_start;
  }
}
