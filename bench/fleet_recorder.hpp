// Counts what happens to the environments of one run. It has no clock: each report says when.
// Thread rule: the one thread of the run.
#pragma once

#include "bench/fleet_result.hpp"
#include "bench/fleet_schedule.hpp"

namespace pgweir::bench {

class FleetRecorder {
 public:
  static constexpr Micros delay_max{10'000};

  FleetRecorder(const FleetOptions& options, std::size_t queries);

  // Times `at` count from the run's start.
  void arrived() { ++result_.environments.arrived; }
  void started(const Invocation& invocation, Micros at);
  // `frozen`: the part of the time in which the environment stood still, which does not count as latency.
  void served(const Invocation& invocation, Micros at, Micros frozen);
  void failed(const Invocation& invocation, Micros at, Micros frozen, const Failure& failure);
  // What is left over when a run ends at `end`.
  void unfinished(const Invocation& invocation, Micros end);
  void unstarted(const Invocation& invocation, Micros end);
  void abandoned() { ++result_.invocations.abandoned; }
  void not_due() { ++result_.invocations.not_due; }

  void froze(bool in_transaction);
  void thawed() { ++result_.environments.thawed; }
  void reaped() { ++result_.environments.reaped; }

  void connected(Micros at, Micros took);
  void refused() { ++result_.connections.refused; }
  void lost(Micros at, const Failure& failure);
  void disconnected(Micros at);

  // The run ended then, and so do all its series.
  void ended(Micros at);

  void woke_late(Micros by) { result_.lag.record(by); }

  FleetResult& result() { return result_; }
  const FleetResult& result() const { return result_; }

 private:
  void waited(const Invocation& invocation, Micros latency);

  FleetResult result_;
};

}  // namespace pgweir::bench
