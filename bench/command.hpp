// The sub-commands of pgweir-bench. Each adds itself to the command line and returns what runs it.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

namespace pgweir::bench {

enum ExitCode { exit_served = 0, exit_something_failed = 1, exit_cannot_start = 2 };

struct Command {
  CLI::App* parsed_by;
  std::function<int()> run;  // an exit code; throws std::exception when it cannot start
};

Command add_burst(CLI::App& app);
Command add_fleet(CLI::App& app);
Command add_table(CLI::App& app);

// The password comes from an option or from the environment; both commands that log in have these options.
class PasswordOptions {
 public:
  explicit PasswordOptions(CLI::App& command);
  std::string password() const;

 private:
  std::string given_text_;
  std::string variable_ = "PGPASSWORD";
  CLI::Option* given_;
};

}  // namespace pgweir::bench
