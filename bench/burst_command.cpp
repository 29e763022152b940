// `pgweir-bench burst`, and `table`, which shows several of its reports side by side.
#include <fstream>
#include <iostream>

#include "bench/burst.hpp"
#include "bench/command.hpp"
#include "bench/report.hpp"

namespace pgweir::bench {
namespace {

constexpr const char* burst_help =
    "Opens many client connections to a PostgreSQL server or a pooler, as freshly started function "
    "environments\n"
    "do: each connects, logs in, runs a few transactions, stays connected until all the others have come, "
    "and\n"
    "leaves. Prints who was served, how long it took, and why the others failed.\n\n"
    "  PGPASSWORD=... pgweir-bench burst --port 6432 --user app --database app \\\n"
    "      --watch 'host=/run/postgresql user=postgres dbname=postgres'\n";

struct BurstCommand {
  explicit BurstCommand(CLI::App& command) : password(command) {}

  BurstOptions options;
  PasswordOptions password;
  unsigned timeout_s = 0;
};

int run_burst_command(BurstCommand& command) {
  BurstOptions& options = command.options;
  options.password = command.password.password();
  options.timeout = std::chrono::seconds(command.timeout_s);
  const std::vector<std::string> problems = check(options);
  for (const std::string& problem : problems) std::cerr << "pgweir-bench: " << problem << '\n';
  if (!problems.empty()) return exit_cannot_start;

  const BurstResult result = run_burst(options);
  const Report report = make_report(options, result);
  if (options.json) {
    std::cout << report.dump(2) << std::endl;
  } else {
    std::cout << report_table({{report.at("target").get<std::string>(), report}}) << std::flush;
  }
  return result.failed == 0 ? exit_served : exit_something_failed;
}

int run_table_command(const std::vector<std::string>& columns) {
  std::vector<NamedReport> reports;
  for (const std::string& column : columns) {
    const std::size_t split = column.find('=');
    if (split == std::string::npos) throw std::runtime_error("'" + column + "' is not NAME=FILE");
    const std::string path = column.substr(split + 1);
    std::ifstream file(path);
    if (!file) throw std::runtime_error(path + ": cannot be opened");
    Report report = Report::parse(file, nullptr, false);
    if (!report.is_object() || !report.contains("connect_us"))
      throw std::runtime_error(path + ": not a report of `pgweir-bench burst --json`");
    reports.push_back({column.substr(0, split), std::move(report)});
  }
  std::cout << report_table(reports) << std::flush;
  return exit_served;
}

}  // namespace

Command add_burst(CLI::App& app) {
  CLI::App* burst = app.add_subcommand("burst", "many clients connect at once, work, and leave");
  burst->footer(burst_help);
  burst->option_defaults()->always_capture_default();
  const auto command = std::make_shared<BurstCommand>(*burst);
  BurstOptions& options = command->options;
  command->timeout_s = static_cast<unsigned>(options.timeout.count());
  burst->add_option("--host", options.host, "name or address of the server or pooler (TCP)");
  burst->add_option("--port", options.port, "its port");
  burst->add_option("--user", options.user, "user that logs in (SCRAM-SHA-256, md5 or trust)");
  burst->add_option("--database", options.database, "database; empty: the user's name");
  burst->add_option("--clients", options.clients, "how many clients");
  burst->add_option("--rate", options.rate, "clients started per second; 0: as fast as possible");
  burst->add_option("--transactions", options.transactions, "transactions of each client");
  burst->add_option("--query", options.query, "SQL of one transaction, sent as one simple query");
  burst->add_flag(
      "--hold,!--no-hold", options.hold,
      "stay connected until every client has connected or failed (default); with --no-hold a client "
      "leaves when its work is done");
  burst->add_option("--timeout", command->timeout_s,
                    "seconds for connecting and logging in, and for each transaction");
  burst->add_option(
      "--source-addresses", options.source_addresses,
      "connect from this many addresses 127.0.0.2, .3, ...: one pair of addresses has about 28,000 "
      "ports; only towards loopback");
  burst
      ->add_option(
          "--watch", options.watch,
          "libpq conninfo straight to the server: report the highest number of server connections of "
          "that user and database in pg_stat_activity")
      ->always_capture_default(false);
  burst->add_flag("--json", options.json, "print the report as JSON");
  burst->add_flag("!--no-progress", options.progress, "no progress bar (there is one only on a terminal)");
  return {burst, [command] { return run_burst_command(*command); }};
}

Command add_table(CLI::App& app) {
  CLI::App* table = app.add_subcommand("table", "reports of several bursts side by side");
  const auto columns = std::make_shared<std::vector<std::string>>();
  table->add_option("reports", *columns, "NAME=FILE, where FILE is what `burst --json` printed")->required();
  return {table, [columns] { return run_table_command(*columns); }};
}

}  // namespace pgweir::bench
