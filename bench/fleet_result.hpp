// What one run of a fleet against one target did: filled by FleetRecorder, printed by the reports.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bench/burst_result.hpp"
#include "bench/failure.hpp"
#include "bench/fleet_options.hpp"
#include "bench/latency_histogram.hpp"
#include "bench/time_series.hpp"

namespace pgweir::bench {

// Every invocation of the schedule ends in exactly one of these.
struct InvocationCounts {
  std::uint64_t served = 0;
  std::uint64_t failed = 0;      // an error, or a step that took longer than the timeout
  std::uint64_t unfinished = 0;  // under way when the run ended
  std::uint64_t unstarted = 0;   // due, but its environment was still busy with an earlier one
  std::uint64_t abandoned = 0;   // its environment was frozen inside the transaction and never thawed
  std::uint64_t not_due = 0;     // the run ended early

  std::uint64_t sum() const { return served + failed + unfinished + unstarted + abandoned + not_due; }
};

struct EnvironmentCounts {
  std::uint64_t arrived = 0;
  std::uint64_t frozen = 0;                 // times that one froze ...
  std::uint64_t frozen_in_transaction = 0;  // ... of these inside a transaction
  std::uint64_t thawed = 0;
  std::uint64_t reaped = 0;
};

struct ConnectionCounts {
  std::uint64_t opened = 0;
  std::uint64_t refused = 0;  // no login
  std::uint64_t lost = 0;     // found closed when it was wanted again; a new one was opened
  std::uint64_t now = 0;      // of clients, logged in, those left open by reaping included
  std::uint64_t max = 0;
};

struct QueryResult {
  std::uint64_t served = 0;
  std::uint64_t failed = 0;
  LatencyHistogram latency;
};

// Intervals count from the run's start, except that what is "due" is counted when it is due.
struct FleetSeries {
  explicit FleetSeries(Micros interval)
      : due(interval),
        served(interval),
        failed(interval),
        latency(interval),
        connections(interval),
        server(interval) {}

  TimeSeries<std::uint64_t> due, served, failed;
  TimeSeries<LatencyHistogram> latency;  // by the time when it was due
  LevelSeries connections;               // of clients
  LevelSeries server;                    // server connections; empty when not watched
};

struct FleetResult {
  FleetResult(std::size_t query_count, Micros interval) : queries(query_count), series(interval) {}

  FleetTarget target;
  InvocationCounts invocations;
  std::uint64_t late = 0;  // started more than FleetRecorder::delay_max after they were due
  EnvironmentCounts environments;
  ConnectionCounts connections;
  // From when an invocation was due to its answer. Those that ran into the timeout or were waiting when the
  // run ended are in it, with the time they had waited. Those that were told an error are not: a quick "no"
  // is not a latency.
  LatencyHistogram latency;
  LatencyHistogram error_latency;    // of those
  LatencyHistogram start_delay;      // from due to started
  LatencyHistogram login;            // from connect() to ReadyForQuery
  LatencyHistogram lag;              // how late the generator itself woke up: its own share in all the others
  std::vector<QueryResult> queries;  // in the order of the mix
  FailureTable failures;             // of invocations
  FailureTable losses;               // of connections that were not in use
  FleetSeries series;
  Micros wall{};
  bool interrupted = false;
  std::optional<ServerConnections> server_connections;  // empty: not watched
};

}  // namespace pgweir::bench
