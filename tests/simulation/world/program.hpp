// The program under test: workers, pools, sessions, hubs and the listener as Server builds them, compiled as they are,
// over the simulated kernel. Its workers do not run in threads: whoever runs the simulation turns them one by one, in
// any order.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proxy/process/drain.hpp"
#include "proxy/process/listener.hpp"
#include "proxy/process/services.hpp"
#include "tests/simulation/kernel/kernel.hpp"

namespace pgweir::simulation {

class Program {
 public:
  // What is wrong with a configuration, in words; empty: nothing.
  static std::string problem_of(const std::string& yaml);
  // The text is a configuration file; `workers` in it says how many there are.
  Program(Kernel& kernel, const std::string& yaml);
  ~Program();

  // One round of a worker that has something to do now, or of the main thread. False: none has.
  bool turn_one();
  // When the next one has something to do for time alone.
  SimTime next_due() const;
  // A worker makes no round for this long: its thread gets no processor.
  void stall(std::size_t worker, SimTime duration);
  void reload(const std::string& yaml);
  void drain();
  bool has_stopped() const { return stopped_; }

  Services& services() { return services_; }
  std::size_t worker_count() const { return services_.workers.list.size(); }
  std::uint64_t turns() const { return turns_; }

 private:
  struct Turned {
    Worker* worker;
    int epoll = -1;  // of its Reactor; known after the first round
    SimTime due{};
    SimTime stalled_until{};
  };

  SnapshotRef snapshot_of(const std::string& yaml, const SnapshotRef& previous);
  bool wants_turn(const Turned& each) const;
  void turn(Turned& each);
  void turn_main();

  Kernel& kernel_;
  boost::asio::io_context io_{1};
  Services services_;
  SnapshotRef snapshot_;
  std::shared_ptr<Listener> listener_;
  Drain drain_{io_, services_, [this] { stopped_ = true; }};
  std::vector<Turned> workers_;
  std::deque<std::function<void()>> posted_;  // to the main thread
  SimTime main_due_{};
  std::uint64_t turns_ = 0;
  bool stopped_ = false;
};

}  // namespace pgweir::simulation
