#include "tests/simulation/world/apart.hpp"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string>

#include "tests/simulation/world/world.hpp"

// Only where the program is compiled for gcov: its counts are written by exit(), which a child does not run.
extern "C" void __gcov_dump() __attribute__((weak));

namespace pgweir::simulation {
namespace {

// Processor time that one simulation may take; most take some tenths of a second, a few twenty. On a busy machine that is
// much less than the real time, whose limit is for one that waits for something.
constexpr rlim_t cpu_seconds_max = 120;
constexpr unsigned real_seconds_max = 1'800;

// The numbers of an outcome, in the order in which they go through the pipe.
constexpr std::uint64_t Outcome::*numbers[] = {&Outcome::batches, &Outcome::messages, &Outcome::transactions,
                                               &Outcome::faults,  &Outcome::cancels,  &Outcome::logins,
                                               &Outcome::calls,   &Outcome::digest,   &Outcome::memory};

std::string packed(const Outcome& outcome) {
  std::string all;
  const auto add = [&](std::uint64_t number) {
    all.append(reinterpret_cast<const char*>(&number), sizeof number);
  };
  for (const auto number : numbers) add(outcome.*number);
  add(static_cast<std::uint64_t>(outcome.simulated.count()));
  add(outcome.failure.size());
  return all + outcome.failure + outcome.trace;
}

bool unpack(const std::string& all, Outcome& outcome) {
  std::size_t at = 0;
  const auto take = [&] {
    std::uint64_t number = 0;
    std::memcpy(&number, all.data() + at, sizeof number);
    at += sizeof number;
    return number;
  };
  if (all.size() < (std::size(numbers) + 2) * sizeof(std::uint64_t)) return false;
  for (const auto number : numbers) outcome.*number = take();
  outcome.simulated = SimTime(static_cast<SimTime::rep>(take()));
  const std::uint64_t size = take();
  outcome.failure = all.substr(at, size);
  outcome.trace = all.substr(at + size);
  return true;
}

void write_all(int fd, const std::string& all) {
  for (std::size_t at = 0; at < all.size();) {
    const ssize_t size = ::write(fd, all.data() + at, all.size() - at);
    if (size <= 0) return;
    at += static_cast<std::size_t>(size);
  }
}

std::string read_all(int fd) {
  std::string all;
  std::array<char, 16 * 1024> buffer{};
  while (true) {
    const ssize_t size = ::read(fd, buffer.data(), buffer.size());
    if (size <= 0) return all;
    all.append(buffer.data(), static_cast<std::size_t>(size));
  }
}

[[noreturn]] void run_and_tell(std::uint64_t seed, const Plan& plan, int fd) {
  const rlimit limit{cpu_seconds_max, cpu_seconds_max + 5};
  ::setrlimit(RLIMIT_CPU, &limit);
  ::alarm(real_seconds_max);
  write_all(fd, packed(World(seed, plan).run()));
  if (__gcov_dump != nullptr) __gcov_dump();
  std::_Exit(0);
}

}  // namespace

Outcome run_apart(std::uint64_t seed, const Plan& plan) {
  int ends[2];
  if (::pipe(ends) != 0) throw std::runtime_error("no pipe for a simulation");
  std::fflush(stdout);
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("no process for a simulation");
  if (child == 0) {
    ::close(ends[0]);
    run_and_tell(seed, plan, ends[1]);
  }
  ::close(ends[1]);
  Outcome outcome;
  const bool has_told = unpack(read_all(ends[0]), outcome);
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (has_told) return outcome;
  outcome.failure =
      !WIFSIGNALED(status) ? "the process ended without a result"
      : WTERMSIG(status) == SIGXCPU
          ? "the simulation did not end in " + std::to_string(cpu_seconds_max) + " s of processor time"
      : WTERMSIG(status) == SIGALRM
          ? "the simulation did not end in " + std::to_string(real_seconds_max) + " s of real time"
          : "the process died of signal " + std::to_string(WTERMSIG(status));
  return outcome;
}

}  // namespace pgweir::simulation
