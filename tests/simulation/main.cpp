// Runs simulations of pgweir, one for each seed, each in a process of its own. See docs/simulation.md.
#include <sys/personality.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <random>
#include <string>

#include "tests/simulation/world/apart.hpp"
#include "tests/simulation/world/program.hpp"
#include "tests/simulation/world/shrink.hpp"
#include "tests/simulation/world/world.hpp"

namespace {

using namespace pgweir::simulation;
using RealClock = std::chrono::steady_clock;

// Addresses are the same in each run, so that containers which are sorted by them are, too.
void fix_addresses(char** arguments) {
  const int before = ::personality(0xffffffff);
  if (before < 0 || (before & ADDR_NO_RANDOMIZE) != 0) return;
  if (::personality(static_cast<unsigned long>(before) | ADDR_NO_RANDOMIZE) < 0) return;
  ::execv("/proc/self/exe", arguments);
}

double seconds_of(SimTime time) {
  return std::chrono::duration<double>(time).count();
}

unsigned long long number(std::uint64_t value) {
  return value;
}

// As it was called, for the commands that repeat what failed.
std::string program_name = "simulation";

// An option's value that is a number from `least` on.
CLI::Validator at_least(double least, const std::string& in_words) {
  return {[least, in_words](const std::string& text) {
            double value = 0;
            const bool is_right = CLI::detail::lexical_cast(text, value) && value >= least;
            return is_right ? std::string() : text + " is not " + in_words;
          },
          in_words};
}

// What the plan of a seed and the changes to it are; a seed alone does not say what was changed.
struct Case {
  std::uint64_t seed = 0;
  Plan plan;

  std::string command() const {
    std::string text = program_name + " --seed " + std::to_string(seed);
    const std::string changes = changes_between(make_plan(seed), plan);
    return changes.empty() ? text : text + " --with " + changes;
  }
};

class Runner {
 public:
  bool run(const Case& what) {
    const Outcome outcome = run_apart(what.seed, what.plan);
    add(outcome);
    if (outcome.failure.empty()) return true;
    ++failed_;
    std::printf("%s\n%s FAILED: %s\n  %s --trace   shows all of it\n  %s --shrink  looks for a shorter one\n",
                outcome.trace.c_str(), what.command().c_str(), outcome.failure.c_str(),
                what.command().c_str(), what.command().c_str());
    return false;
  }
  void report() const {
    const double real = std::chrono::duration<double>(RealClock::now() - began_).count();
    const double simulated = seconds_of(all_.simulated);
    std::printf(
        "%llu seeds: %.2f simulated hours in %.0f s (%.0f : 1), %llu batches, %llu transactions, %llu "
        "messages,\n"
        "%llu faults, %llu cancels, %llu logins to the server, %llu system calls, at most %llu KiB of "
        "memory\n"
        "%llu passed, %llu failed\n",
        number(ran_), simulated / 3'600, real, simulated / real, number(all_.batches),
        number(all_.transactions), number(all_.messages), number(all_.faults), number(all_.cancels),
        number(all_.logins), number(all_.calls), number(all_.memory / 1'024), number(ran_ - failed_),
        number(failed_));
  }
  bool has_failed() const { return failed_ > 0; }

 private:
  void add(const Outcome& one) {
    ++ran_;
    all_.batches += one.batches;
    all_.transactions += one.transactions;
    all_.messages += one.messages;
    all_.faults += one.faults;
    all_.cancels += one.cancels;
    all_.logins += one.logins;
    all_.calls += one.calls;
    all_.simulated += one.simulated;
    all_.memory = std::max(all_.memory, one.memory);
  }

  const RealClock::time_point began_ = RealClock::now();
  std::uint64_t ran_ = 0;
  std::uint64_t failed_ = 0;
  Outcome all_;
};

int show(const Case& what) {
  const Outcome outcome = World(what.seed, what.plan, true).run();
  const std::size_t connections = outcome.trace.find("connections of the program:");
  if (connections != std::string::npos) std::fputs(outcome.trace.c_str() + connections, stdout);
  std::printf("%s %s\n", what.command().c_str(),
              outcome.failure.empty() ? "passed" : ("FAILED: " + outcome.failure).c_str());
  return outcome.failure.empty() ? 0 : 1;
}

int shrink_case(const Case& what, int tries) {
  const Outcome failed = run_apart(what.seed, what.plan);
  if (failed.failure.empty()) {
    std::printf("%s passes\n", what.command().c_str());
    return 0;
  }
  const auto run = [&](const Plan& plan) { return run_apart(what.seed, plan); };
  const auto progress = [&](const Plan& plan, const Outcome& outcome) {
    std::printf("%6.1f s, %4llu batches: %s\n", seconds_of(outcome.simulated), number(outcome.batches),
                Case{what.seed, plan}.command().c_str());
    std::fflush(stdout);
  };
  Runner().run({what.seed, shrink(what.plan, failed, tries, run, progress)});
  return 1;
}

// Lines "seed" or "seed changes", comments after '#'.
bool run_file(const std::string& path, Runner& runner) {
  std::ifstream file(path);
  if (!file) {
    std::fprintf(stderr, "simulation: cannot read %s\n", path.c_str());
    return false;
  }
  std::string line;
  for (int at = 1; std::getline(file, line); ++at) {
    std::istringstream words(line.substr(0, line.find('#')));
    Case what;
    std::string changes;
    if ((words >> std::ws).eof()) continue;
    if (!(words >> what.seed)) {
      std::fprintf(stderr, "simulation: %s:%d: no seed\n", path.c_str(), at);
      return false;
    }
    words >> changes;
    if (std::string more; words >> more) {
      std::fprintf(stderr, "simulation: %s:%d: changes are one word, and behind them is %s\n", path.c_str(),
                   at, more.c_str());
      return false;
    }
    what.plan = make_plan(what.seed);
    if (!change_plan(what.plan, changes)) {
      std::fprintf(stderr, "simulation: %s:%d: no such change: %s\n", path.c_str(), at, changes.c_str());
      return false;
    }
    const std::string problem = Program::problem_of(what.plan.configuration(what.plan.max_size, false));
    if (!problem.empty()) {
      std::fprintf(stderr, "simulation: %s:%d: %s\n", path.c_str(), at, problem.c_str());
      return false;
    }
    runner.run(what);
  }
  return true;
}

}  // namespace

int main(int count, char** arguments) {
  fix_addresses(arguments);
  program_name = arguments[0];
  CLI::App app("Simulates pgweir with its clients and servers. A seed is a simulation that can be repeated.");
  std::uint64_t first = 0;
  std::uint64_t seeds = 20;
  double minutes = 0;
  std::string changes;
  std::string file;
  bool is_loud = false;
  bool shrinks = false;
  bool stops = false;
  int tries = 500;
  CLI::Option* const one = app.add_option("--seed", first, "run this seed alone");
  CLI::Option* const count_of_seeds =
      app.add_option("--seeds", seeds, "how many new seeds to run")->capture_default_str();
  CLI::Option* const for_minutes = app.add_option("--minutes", minutes, "run new seeds for this long instead")
                                       ->check(at_least(1e-6, "a number above 0"))
                                       ->excludes(count_of_seeds);
  CLI::Option* const from =
      app.add_option("--from", first, "the first of the new seeds; without it by chance");
  CLI::Option* const with =
      app.add_option("--with", changes, "change the plan of the seeds: clients=2,cut=0");
  CLI::Option* const in_file =
      app.add_option("--file", file, "run the seeds of this file, one a line, and no new ones");
  CLI::Option* const trace =
      app.add_flag("--trace", is_loud, "print everything that happens (with --seed)")->needs(one);
  CLI::Option* const shrink_it =
      app.add_flag("--shrink", shrinks, "look for a shorter simulation that fails, too (with --seed)")
          ->needs(one)
          ->excludes(trace);
  app.add_option("--tries", tries, "how many simulations --shrink runs")
      ->capture_default_str()
      ->check(at_least(1, "a number from 1 on"))
      ->needs(shrink_it);
  CLI::Option* const stop = app.add_flag("--stop", stops, "stop at the first seed that fails");
  for (CLI::Option* const each : {one, from}) each->check(at_least(0, "a number from 0 on"));
  count_of_seeds->check(at_least(1, "a number from 1 on"));
  for (CLI::Option* const each : {count_of_seeds, for_minutes, from, in_file, stop}) one->excludes(each);
  for (CLI::Option* const each : {count_of_seeds, for_minutes, from, with, stop}) in_file->excludes(each);
  CLI11_PARSE(app, count, arguments);

  const auto case_of = [&](std::uint64_t seed) {
    Case what{seed, make_plan(seed)};
    if (!change_plan(what.plan, changes)) throw CLI::ValidationError("--with", "no such change: " + changes);
    return what;
  };
  try {
    const Plan plan = case_of(first).plan;
    const std::string problem = Program::problem_of(plan.configuration(plan.max_size, false));
    if (!problem.empty()) throw CLI::ValidationError("--with", "the configuration is refused: " + problem);
  } catch (const CLI::Error& error) {
    return app.exit(error);
  }
  if (*one && is_loud) return show(case_of(first));
  if (*one && shrinks) return shrink_case(case_of(first), tries);
  Runner runner;
  if (!file.empty()) {
    if (!run_file(file, runner)) return 2;
  } else if (*one) {
    runner.run(case_of(first));
  } else {
    if (!*from) first = std::random_device{}();
    const auto end = RealClock::now() + std::chrono::duration<double>(minutes * 60);
    for (std::uint64_t i = 0; minutes > 0 ? RealClock::now() < end : i < seeds; ++i) {
      if (!runner.run(case_of(first + i)) && stops) break;
    }
  }
  runner.report();
  return runner.has_failed() ? 1 : 0;
}
