#include "tests/simulation/world/program.hpp"

#include <algorithm>
#include <stdexcept>

#include "config/environment.hpp"
#include "config/load.hpp"
#include "proxy/base/log.hpp"
#include "proxy/pool/pool.hpp"
#include "proxy/worker/worker.hpp"
#include "tests/simulation/kernel/memory.hpp"

namespace pgweir::simulation {
namespace {

// How often the main thread looks at its timers.
constexpr SimTime main_interval = std::chrono::milliseconds(10);
// What one round of a worker takes.
constexpr SimTime shortest_round = std::chrono::microseconds(2);
constexpr SimTime longest_round = std::chrono::microseconds(60);
// Rounds in which a program that was told to stop has to end what it does.
constexpr int last_rounds = 1'000;

config::LoadResult load(const std::string& yaml) {
  return config::load_text(yaml, "simulation.yaml", config::process_environment());
}

}  // namespace

Program::Program(Kernel& kernel, const std::string& yaml) : kernel_(kernel) {
  services_.post_to_main = [this](std::function<void()> function) { posted_.push_back(std::move(function)); };
  services_.console.take = [](const ConsoleRequest&) {};
  services_.use_secrets = [](const UserSecretsRef&) {};
  snapshot_ = snapshot_of(yaml, nullptr);
  const config::Settings& settings = *snapshot_->settings;
  log::start(settings.log);
  listener_ = std::make_shared<Listener>(settings.listen.host, settings.listen.port, false);
  services_.make_workers(settings.workers.value_or(1), snapshot_);
  for (const auto& worker : services_.workers.list) workers_.push_back({worker.get()});
  services_.pools.apply(snapshot_);
  listener_->start(*services_.workers.list.front(), services_.sessions);
}

// As ~Server() does it.
Program::~Program() {
  services_.aws.stop();
  for (const auto& worker : services_.workers.list) worker->stop();
  for (int round = 0; round < last_rounds; ++round) {
    for (Turned& each : workers_) {
      if (!each.worker->io().stopped()) each.worker->turn();
    }
  }
  services_.workers.shared.slow_jobs.join();
  services_.pools.close();
  services_.workers.list.clear();
}

std::string Program::problem_of(const std::string& yaml) {
  const config::LoadResult loaded = load(yaml);
  return loaded.settings ? std::string() : config::to_string(loaded.problems.front());
}

SnapshotRef Program::snapshot_of(const std::string& yaml, const SnapshotRef& previous) {
  const config::LoadResult loaded = load(yaml);
  if (!loaded.settings) throw std::runtime_error(config::to_string(loaded.problems.front()));
  return make_snapshot(loaded.settings, previous);
}

bool Program::wants_turn(const Turned& each) const {
  if (kernel_.now() < each.stalled_until) return false;
  return each.epoll < 0 || kernel_.now() >= each.due || each.worker->reactor().is_awake() ||
         kernel_.has_events(each.epoll);
}

bool Program::turn_one() {
  if (!posted_.empty() || kernel_.now() >= main_due_) {
    turn_main();
    return true;
  }
  std::vector<Turned*> ready;
  for (Turned& each : workers_) {
    if (wants_turn(each)) ready.push_back(&each);
  }
  if (ready.empty()) return false;
  turn(*kernel_.random().pick(ready));
  return true;
}

void Program::turn(Turned& each) {
  ++turns_;
  kernel_.begin_round();
  {
    const Allocates allocates(Allocates::Who::program);
    each.worker->turn();
  }
  const Kernel::Wait& wait = kernel_.first_wait();
  each.epoll = wait.epoll;
  each.due = kernel_.now() + std::chrono::milliseconds(wait.timeout);
  const auto took = kernel_.random().between(shortest_round.count(), longest_round.count());
  each.stalled_until = std::max(each.stalled_until, kernel_.now() + SimTime(static_cast<SimTime::rep>(took)));
}

void Program::turn_main() {
  const Allocates allocates(Allocates::Who::program);
  const auto functions = std::exchange(posted_, {});
  for (const auto& function : functions) function();
  io_.restart();
  io_.poll();
  main_due_ = kernel_.now() + main_interval;
}

SimTime Program::next_due() const {
  SimTime next = posted_.empty() ? main_due_ : kernel_.now();
  for (const Turned& each : workers_) {
    const bool is_ready =
        each.epoll < 0 || each.worker->reactor().is_awake() || kernel_.has_events(each.epoll);
    next = std::min(next, std::max(each.stalled_until, is_ready ? kernel_.now() : each.due));
  }
  return next;
}

void Program::stall(std::size_t worker, SimTime duration) {
  workers_[worker].stalled_until = kernel_.now() + duration;
}

void Program::reload(const std::string& yaml) {
  snapshot_ = snapshot_of(yaml, snapshot_);
  services_.pools.apply(snapshot_);
  for (const auto& worker : services_.workers.list) worker->use_snapshot(snapshot_);
}

void Program::drain() {
  drain_.begin(*snapshot_->settings, listener_);
}

}  // namespace pgweir::simulation
