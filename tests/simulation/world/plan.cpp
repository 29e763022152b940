#include "tests/simulation/world/plan.hpp"

namespace pgweir::simulation {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

SimTime seconds_between(Random& random, std::uint64_t low, std::uint64_t high) {
  return seconds(static_cast<std::int64_t>(random.between(low, high)));
}

void add_faults(Plan& plan, Random& random) {
  if (random.chance(0.5)) plan.server_ends_one = seconds_between(random, 1, 20);
  if (random.chance(0.4)) plan.server_restarts = seconds_between(random, 10, 60);
  if (random.chance(0.3)) plan.server_is_away = seconds_between(random, 10, 60);
  if (random.chance(0.2)) plan.calls.no_descriptor = 0.05;
  if (random.chance(0.1)) plan.calls.no_watch = 0.02;
}

}  // namespace

Plan make_plan(Random& random) {
  Plan plan;
  plan.workers = static_cast<unsigned>(random.between(1, 3));
  plan.max_size = static_cast<unsigned>(random.between(1, 4));
  plan.min_size = static_cast<unsigned>(random.below(plan.max_size + 1));
  plan.clients = static_cast<int>(random.between(2, 12));
  if (random.chance(0.3)) plan.quality.cut = 0.6;
  if (random.chance(0.2)) plan.quality.hiccup = 0.01;
  if (random.chance(0.2)) plan.quality.send_buffer = plan.quality.receive_buffer = random.between(200, 2'000);
  if (random.chance(0.3)) plan.quality.longest_delay = milliseconds(20);
  if (random.chance(0.3)) plan.calls.interrupted = 0.02;
  if (random.chance(0.3)) plan.calls.short_send = 0.2;
  if (random.chance(0.3)) plan.calls.spurious = 0.1;
  if (random.chance(0.2)) plan.pace.slow_login = 0.3;
  if (random.chance(0.3)) plan.pace.longest = milliseconds(20);
  if (random.chance(0.3)) plan.worker_stalls = seconds_between(random, 2, 10);
  if (random.chance(0.3)) plan.reloads = seconds_between(random, 5, 20);
  if (random.chance(0.3)) plan.habits.longest_pause = milliseconds(20);
  if (random.chance(0.3)) plan.habits.leaves = 0.2;
  plan.habits.pipelined = random.chance(0.3) ? 0.5 : 0.05;
  if (random.chance(0.5)) add_faults(plan, random);
  plan.drains = random.chance(0.3);
  return plan;
}

std::string Plan::configuration() const {
  return "listen: {host: 127.0.0.1, port: 6432, auth: trust}\nworkers: " + std::to_string(workers) +
         "\npool: {max_size: " + std::to_string(max_size) + ", min_size: " + std::to_string(min_size) +
         ", audit_every: 10}\n"
         "databases: {app: {host: 10.0.1.2, port: 5432, tls: {mode: disable}, users: [app]}}\n"
         "users: {app: {password: secret}}\nlog: {level: info}\n";
}

std::string Plan::in_words() const {
  const auto ms = [](SimTime time) { return std::to_string(time / milliseconds(1)) + " ms"; };
  std::string words = std::to_string(clients) + " clients, " + std::to_string(workers) +
                      " workers, max_size " + std::to_string(max_size);
  if (server_ends_one > SimTime::zero()) words += ", a session ends each " + ms(server_ends_one);
  if (server_restarts > SimTime::zero()) words += ", the server restarts each " + ms(server_restarts);
  if (server_is_away > SimTime::zero()) words += ", the server is away now and then";
  if (worker_stalls > SimTime::zero()) words += ", workers stall";
  if (reloads > SimTime::zero()) words += ", reloads";
  if (drains) words += ", drains at the end";
  return words;
}

}  // namespace pgweir::simulation
