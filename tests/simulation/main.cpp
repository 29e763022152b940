// Runs simulations of pgweir, one for each seed, each in a process of its own.
//
//   simulation --seeds 100            as many new seeds
//   simulation --minutes 5            new seeds for that long
//   simulation --seed 123 --trace     one seed again, with everything that happens
#include <sys/personality.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <random>

#include "tests/simulation/world/world.hpp"

namespace {

using namespace pgweir::simulation;

// Addresses are the same in each run, so that containers which are sorted by them are, too.
void fix_addresses(char** arguments) {
  const int before = ::personality(0xffffffff);
  if (before < 0 || (before & ADDR_NO_RANDOMIZE) != 0) return;
  if (::personality(static_cast<unsigned long>(before) | ADDR_NO_RANDOMIZE) < 0) return;
  ::execv("/proc/self/exe", arguments);
}

int run_seed(std::uint64_t seed, bool is_loud) {
  const Outcome outcome = World(seed, is_loud).run();
  if (outcome.failure.empty()) {
    std::printf("seed %llu: %llu batches, %llu messages, %llu faults, %llu logins, %.0f s, %016llx\n",
                static_cast<unsigned long long>(seed), static_cast<unsigned long long>(outcome.batches),
                static_cast<unsigned long long>(outcome.messages),
                static_cast<unsigned long long>(outcome.faults),
                static_cast<unsigned long long>(outcome.logins),
                std::chrono::duration<double>(outcome.simulated).count(),
                static_cast<unsigned long long>(outcome.digest));
    return 0;
  }
  std::printf("%s\nseed %llu FAILED: %s\nsimulation --seed %llu --trace   shows all of it\n",
              outcome.trace.c_str(), static_cast<unsigned long long>(seed), outcome.failure.c_str(),
              static_cast<unsigned long long>(seed));
  return 1;
}

bool run_apart(std::uint64_t seed) {
  std::fflush(stdout);
  const pid_t child = ::fork();
  if (child == 0) {
    const int result = run_seed(seed, false);
    std::fflush(stdout);
    std::_Exit(result);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFSIGNALED(status))
    std::printf("seed %llu FAILED: signal %d\n", static_cast<unsigned long long>(seed), WTERMSIG(status));
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

int main(int count, char** arguments) {
  fix_addresses(arguments);
  CLI::App app("Simulates pgweir with its clients and servers; a seed is a simulation that can be repeated.");
  std::uint64_t first = 0;
  std::uint64_t seeds = 20;
  double minutes = 0;
  bool is_loud = false;
  CLI::Option* const one = app.add_option("--seed", first, "run this seed alone");
  app.add_option("--seeds", seeds, "how many new seeds to run");
  app.add_option("--minutes", minutes, "run new seeds for this long instead");
  CLI::Option* const from =
      app.add_option("--from", first, "the first of the new seeds; without it by chance");
  app.add_flag("--trace", is_loud, "print everything that happens");
  CLI11_PARSE(app, count, arguments);
  if (*one) return run_seed(first, is_loud);
  if (!*from) first = std::random_device{}();
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(minutes * 60);
  std::uint64_t ran = 0;
  std::uint64_t failed = 0;
  while (minutes > 0 ? std::chrono::steady_clock::now() < end : ran < seeds)
    failed += run_apart(first + ran++) ? 0 : 1;
  std::printf("%llu passed, %llu failed\n", static_cast<unsigned long long>(ran - failed),
              static_cast<unsigned long long>(failed));
  return failed == 0 ? 0 : 1;
}
