// `pgweir-bench fleet`.
#include <algorithm>
#include <fstream>
#include <iostream>
#include <tuple>

#include "bench/command.hpp"
#include "bench/fleet_report_html.hpp"
#include "bench/fleet_report_json.hpp"
#include "bench/fleet_run.hpp"

namespace pgweir::bench {
namespace {

constexpr const char* fleet_help =
    R"(A fleet of function environments as load. Each environment arrives when an invocation needs it, connects cold
(TCP and login), answers one invocation after the other, may freeze (its socket stays open and nobody looks at
it), thaws with the next invocation, and may be reaped without a goodbye. When what happens is decided by the
options and the seed before the run, not by how fast the server answers: latency counts from the time when an
invocation was due. Every target gets the same schedule, one after the other: at the same time they would load
the same server, and each would be measured with the other's work.

  PGPASSWORD=... pgweir-bench fleet --target direct=db.internal:5432 --target pgweir=127.0.0.1:6432 \
      --user app --database app --environments 500 --burst 100 --freeze 0.2 --reap 0.1 \
      --watch 'host=db.internal user=postgres dbname=postgres' --html fleet.html

A query mix (--mix FILE) has a query in each line: a name, a weight, a colon, SQL. A line that begins with a
blank continues it, # in the first column begins a comment, {1..1000} is a random whole number:

  read  70: SELECT abalance FROM pgbench_accounts WHERE aid = {1..100000}
  write 30: UPDATE pgbench_accounts SET abalance = abalance + {-500..500}
            WHERE aid = {1..100000}

An environment that is frozen in a transaction sends BEGIN and its query, freezes, and sends COMMIT when it thaws.
A frozen environment of this program still has a kernel that acknowledges packets and answers keepalives; one
of Lambda has not.

Exit code: 0 it ran, 1 it ran, something failed and --fail-on-errors was given, 2 it could not run. SIGINT
ends the run early, with a report of what was.
)";

struct FleetCommand {
  explicit FleetCommand(CLI::App& command) : password(command) {}

  FleetOptions options;
  PasswordOptions password;
  double ramp_s = 0, duration_s = 0, think_time_s = 0, freeze_time_s = 0, grace_s = 0, pause_s = 0;
  unsigned timeout_s = 0;
};

// Text of the command line <-> enumerator.
template <class Enum>
void add_choice(CLI::App* fleet, const char* name, Enum& value, const std::vector<std::string>& names,
                const char* help) {
  fleet
      ->add_option_function<std::string>(
          name,
          [&value, &names](const std::string& text) {
            value = static_cast<Enum>(std::find(names.begin(), names.end(), text) - names.begin());
          },
          help)
      ->check(CLI::IsMember(names))
      ->default_str(names[static_cast<std::size_t>(value)])
      ->option_text("{" + CLI::detail::join(names, ",") + "} [" + names[static_cast<std::size_t>(value)] +
                    "]");
}

void add_load_options(CLI::App* fleet, FleetCommand& command) {
  FleetOptions& options = command.options;
  fleet->add_option("--environments", options.environments, "how many arrive, as far as the duration admits");
  fleet->add_option("--burst", options.burst, "how many of them at once, at the start");
  fleet->add_option("--arrival-rate", options.arrival_rate, "the others, per second");
  fleet->add_option("--ramp", command.ramp_s, "seconds in which the arrival rate grows from 0 to that");
  fleet->add_option("--duration", command.duration_s, "seconds during which invocations are due");
  fleet->add_option("--invocations", options.invocations,
                    "of each environment, which is then reaped; 0: until the end");
  fleet->add_option("--invocation-rate", options.invocation_rate, "per second and environment");
  fleet->add_option("--think-time", command.think_time_s,
                    "seconds between the times when two invocations of an environment are due, instead of "
                    "--invocation-rate; 0: use the rate");
  add_choice(fleet, "--spacing", options.spacing, spacing_names,
             "are times between arrivals, invocations and of freezing random (exponential) or all the same?");
  add_choice(fleet, "--connections", options.connections, connections_names,
             "is a connection kept between invocations, or opened and closed for each?");
  fleet->add_option("--mix", options.mix_file, "file with the query mix; none: a built-in one without tables")
      ->always_capture_default(false);
  fleet->add_option("--freeze", options.freeze,
                    "probability that an environment freezes after an invocation");
  fleet->add_option("--freeze-time", command.freeze_time_s, "seconds for which it is frozen, on average");
  fleet->add_option("--freeze-in-transaction", options.freeze_in_transaction,
                    "of the environments that freeze, the share that does so before COMMIT");
  fleet->add_option("--reap", options.reap, "of the environments that freeze, the share that never thaws");
  add_choice(fleet, "--reaping", options.reaping, reaping_names,
             "what a reaped environment leaves of its connection: silent (open until the run ends), close "
             "(FIN without Terminate) or reset (RST)");
  fleet->add_option("--seed", options.seed, "another seed, another schedule");
}

void add_run_options(CLI::App* fleet, FleetCommand& command) {
  FleetOptions& options = command.options;
  fleet->add_option("--timeout", command.timeout_s,
                    "seconds for connecting and logging in, and for each query");
  fleet->add_option("--grace", command.grace_s, "seconds after the duration for what is still under way");
  fleet->add_option("--pause", command.pause_s, "seconds between two targets");
  fleet->add_option(
      "--source-addresses", options.source_addresses,
      "connect from this many addresses 127.0.0.2, .3, ...: one pair of addresses has about 28,000 "
      "ports; only towards loopback");
  fleet
      ->add_option(
          "--watch", options.watch,
          "libpq conninfo straight to the server: report the number of server connections of that user "
          "and database in pg_stat_activity")
      ->always_capture_default(false);
  fleet->add_flag("--json", options.json, "print the report as JSON instead of a table");
  for (const auto& [name, file, help] :
       {std::tuple{"--json-file", &options.json_file, "write the report as JSON to this file"},
        std::tuple{"--html", &options.html_file, "write the report as one HTML page to this file"}})
    fleet->add_option(name, *file, help)->always_capture_default(false);
  fleet->add_flag("!--no-progress", options.progress, "say nothing on stderr while it runs");
  fleet->add_flag("--fail-on-errors", options.fail_on_errors,
                  "exit with 1 when an invocation was not served");
}

FleetOptions& options_of(FleetCommand& command) {
  FleetOptions& options = command.options;
  options.password = command.password.password();
  options.ramp = Seconds(command.ramp_s);
  options.duration = Seconds(command.duration_s);
  options.think_time = Seconds(command.think_time_s);
  options.freeze_time = Seconds(command.freeze_time_s);
  options.grace = Seconds(command.grace_s);
  options.pause = Seconds(command.pause_s);
  options.timeout = std::chrono::seconds(command.timeout_s);
  return options;
}

ParsedMix read_mix(const std::string& path) {
  if (path.empty()) return parse_query_mix(default_query_mix(), "built-in mix");
  std::ifstream file(path, std::ios::binary);
  std::string text(QueryMix::text_max + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file.is_open() || file.bad()) return {{}, {path + ": cannot be read"}};
  text.resize(static_cast<std::size_t>(file.gcount()));
  return parse_query_mix(text, path);
}

// Opened before the run: an hour of load must not end with "no such directory".
class OutputFile {
 public:
  explicit OutputFile(const std::string& path) : path_(path) {
    if (path.empty()) return;
    file_.open(path);
    if (!file_) throw std::runtime_error(path + ": cannot be written");
  }

  void write(const std::string& text) {
    if (path_.empty()) return;
    file_ << text << std::flush;
    if (!file_) throw std::runtime_error(path_ + ": cannot be written");
  }

 private:
  std::string path_;
  std::ofstream file_;
};

// A server may send text in any encoding.
std::string dump(const Report& report) {
  return report.dump(2, ' ', false, Report::error_handler_t::replace) + "\n";
}

int run_fleet_command(const FleetOptions& options) {
  std::vector<std::string> problems = check(options);
  const ParsedMix mix = read_mix(options.mix_file);
  problems.insert(problems.end(), mix.problems.begin(), mix.problems.end());
  for (const std::string& problem : problems) std::cerr << "pgweir-bench: " << problem << '\n';
  if (!problems.empty()) return exit_cannot_start;
  OutputFile json(options.json_file);
  OutputFile html(options.html_file);

  const FleetSchedule schedule(options, mix.mix);
  std::vector<FleetResult> results;
  for (const FleetTarget& target : parse_targets(options)) {
    if (!results.empty() && (results.back().interrupted || !pause_for(options.pause))) break;
    results.push_back(run_fleet(options, target, mix.mix, schedule));
  }

  const Report report = make_fleet_report(options, mix.mix, schedule.totals(), results);
  std::cout << (options.json ? dump(report) : fleet_table(report)) << std::flush;
  json.write(dump(report));
  html.write(fleet_html(report));
  bool all_served = true;
  for (const FleetResult& result : results)
    all_served =
        all_served &&
        result.invocations.failed + result.invocations.unfinished + result.invocations.unstarted == 0;
  return options.fail_on_errors && !all_served ? exit_something_failed : exit_served;
}

}  // namespace

Command add_fleet(CLI::App& app) {
  CLI::App* fleet = app.add_subcommand("fleet", "function environments come, work, freeze, thaw and vanish");
  fleet->footer(fleet_help);
  fleet->option_defaults()->always_capture_default();
  const auto command = std::make_shared<FleetCommand>(*fleet);
  FleetOptions& options = command->options;
  command->ramp_s = options.ramp.count();
  command->duration_s = options.duration.count();
  command->think_time_s = options.think_time.count();
  command->freeze_time_s = options.freeze_time.count();
  command->grace_s = options.grace.count();
  command->pause_s = options.pause.count();
  command->timeout_s = static_cast<unsigned>(options.timeout.count());
  fleet
      ->add_option("--target", options.targets,
                   "NAME=HOST:PORT of a server or pooler (TCP); several are measured one after the other")
      ->always_capture_default(false);
  fleet->add_option("--user", options.user, "user that logs in (SCRAM-SHA-256, md5 or trust)");
  fleet->add_option("--database", options.database, "database; empty: the user's name");
  add_load_options(fleet, *command);
  add_run_options(fleet, *command);
  return {fleet, [command] { return run_fleet_command(options_of(*command)); }};
}

}  // namespace pgweir::bench
