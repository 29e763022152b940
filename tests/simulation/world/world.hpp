// One simulation: the program, its server, its clients and its faults, all from one seed. Each run of a seed is the
// same, step by step.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/simulation/clients/model_client.hpp"
#include "tests/simulation/kernel/kernel.hpp"
#include "tests/simulation/model/cluster.hpp"
#include "tests/simulation/world/outcome.hpp"
#include "tests/simulation/world/places.hpp"
#include "tests/simulation/world/plan.hpp"
#include "tests/simulation/world/program.hpp"
#include "tests/simulation/world/server_host.hpp"
#include "tests/simulation/world/trace.hpp"

namespace pgweir {
struct PoolTotals;
}

namespace pgweir::simulation {

class World final : public ClientWorld {
 public:
  World(std::uint64_t seed, const Plan& plan, bool is_loud = false);
  ~World() override;
  Outcome run();

 private:
  static void set_up(ModelCluster& cluster);
  std::string configuration() const { return plan_.configuration(max_size_, trace_.is_loud); }

  // Lets one thing happen.
  void step();
  void run_until(SimTime end);
  void end_faults();
  void drain(SimTime clients_stay_at_most);
  void end_clients();
  bool is_at_rest() const;
  Outcome outcome() const;

  void check();
  void check_cancel(std::uint32_t pid);
  void look_at_counters();
  void check_at_rest();
  void check_after_end();
  void check_counters();
  void check_counts_of_clients(const PoolTotals& totals);
  void check_counts_of_cancels();
  void check_counts_of_servers(std::uint64_t connections);
  bool is_whole() const;
  bool has_all_calls() const;
  void check_count(const std::string& what, std::uint64_t counted, std::uint64_t there_were);
  void check_count(const std::string& what, std::uint64_t counted, std::uint64_t least, std::uint64_t most);

  void plan_faults();
  void repeat(double mean_s, void (World::*fault)());
  void end_one();
  void restart();
  void be_away();
  void be_standby();
  void be_read_only();
  void end_read_only();
  void refuse();
  void stall();
  void reload();
  void jump_clock();
  void disturb(const std::string& what, SimTime lasts);
  ServerHost::Ending any_ending();
  SimTime up_to(SimTime longest);

  ModelClient* other_client(const ModelClient& than, Random& random) override;
  void fail(const std::string& what) override;
  bool explains(const std::string& sqlstate) const override;
  bool explains_close() const override;
  std::optional<SimTime> drains_patiently_since() const override;
  void note_vanished_listener() override { listener_has_vanished_ = true; }
  bool is_standby() const override;
  bool was_read_only_since(SimTime moment) const override;
  bool is_running(const std::string& word) const override { return server_.is_running(word); }
  bool may_send() override;
  std::optional<std::size_t> number_of_news(const std::string& payload) const override;
  std::size_t news_until(SimTime moment) const override;

  Plan plan_;
  Kernel kernel_;
  Random random_;  // of faults
  Trace trace_{kernel_.timeline()};
  ModelCluster cluster_;
  ServerHost server_;
  std::unique_ptr<Program> program_;
  std::size_t descriptors_ = 0;     // that the program has without a client or server connection
  std::size_t memory_at_half_ = 0;  // bytes that it has allocated after half of the time
  std::vector<std::unique_ptr<ModelClient>> clients_;
  std::string failure_;
  SimTime disturbed_until_{};
  std::uint64_t faults_ = 0;
  double batches_left_;
  double max_size_;  // as the configuration has it now
  Places places_;
  SimTime next_look_{};  // at the program's counters
  std::vector<SimTime> news_times_;
  std::map<std::string, std::size_t> news_;  // committed so far, and their numbers
  bool has_been_standby_ = false;
  bool has_been_read_only_ = false;
  SimTime read_only_until_{};  // while it is: the end of all time
  bool has_vanished_ = false;  // connections to the server were cut in silence
  bool listener_has_vanished_ = false;
  bool is_draining_ = false;
  SimTime drains_since_{};
  bool is_ending_ = false;
};

}  // namespace pgweir::simulation
