// One simulation: the program, its server, its clients and its faults, all from one seed. Each run of a seed is the
// same, step by step.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/simulation/clients/model_client.hpp"
#include "tests/simulation/kernel/kernel.hpp"
#include "tests/simulation/model/cluster.hpp"
#include "tests/simulation/world/plan.hpp"
#include "tests/simulation/world/program.hpp"
#include "tests/simulation/world/server_host.hpp"
#include "tests/simulation/world/trace.hpp"

namespace pgweir::simulation {

struct Outcome {
  std::string failure;  // empty: nothing was wrong
  std::uint64_t batches = 0;
  std::uint64_t messages = 0;
  std::uint64_t faults = 0;
  std::uint64_t logins = 0;
  std::uint64_t digest = 0;  // of the trace
  SimTime simulated{};
  std::string trace;  // the end of it, after a failure
};

class World final : public ClientWorld {
 public:
  explicit World(std::uint64_t seed, bool is_loud = false);
  ~World() override;
  Outcome run();

 private:
  static void set_up(ModelCluster& cluster);

  // Lets one thing happen.
  void step();
  void run_until(SimTime end);
  void check();
  void check_at_rest();
  void plan_faults();
  void repeat(SimTime mean, void (World::*fault)());
  void end_one();
  void restart();
  void be_away();
  void stall();
  void reload();
  void disturb(const std::string& what, SimTime lasts);

  void fail(const std::string& what) override;
  bool explains(const std::string& sqlstate) const override;
  bool explains_close() const override;

  Kernel kernel_;
  Plan plan_;
  Trace trace_{kernel_.timeline()};
  ModelCluster cluster_;
  ServerHost server_;
  std::unique_ptr<Program> program_;
  std::vector<std::unique_ptr<ModelClient>> clients_;
  std::string failure_;
  SimTime disturbed_until_{};
  std::uint64_t faults_ = 0;
  bool is_draining_ = false;
  bool is_ending_ = false;
};

}  // namespace pgweir::simulation
