#include "bench/fleet_recorder.hpp"

#include <algorithm>
#include <cassert>

namespace pgweir::bench {

FleetRecorder::FleetRecorder(const FleetOptions& options, std::size_t queries)
    : result_(queries, interval_for(std::chrono::round<Micros>(options.duration))) {}

void FleetRecorder::started(const Invocation& invocation, Micros at) {
  const Micros delay = at - invocation.due;
  result_.start_delay.record(delay);
  if (delay > delay_max) ++result_.late;
  ++result_.series.due.at(invocation.due);
}

void FleetRecorder::served(const Invocation& invocation, Micros at, Micros frozen) {
  ++result_.invocations.served;
  ++result_.queries[invocation.query].served;
  ++result_.series.served.at(at);
  waited(invocation, at - invocation.due - frozen);
}

void FleetRecorder::failed(const Invocation& invocation, Micros at, Micros frozen, const Failure& failure) {
  ++result_.invocations.failed;
  ++result_.queries[invocation.query].failed;
  ++result_.series.failed.at(at);
  result_.failures.add(failure);
  const Micros latency = at - invocation.due - frozen;
  if (failure.is_timeout()) {
    waited(invocation, latency);
  } else {
    result_.error_latency.record(latency);
  }
}

void FleetRecorder::unfinished(const Invocation& invocation, Micros end) {
  ++result_.invocations.unfinished;
  waited(invocation, end - invocation.due);
}

void FleetRecorder::unstarted(const Invocation& invocation, Micros end) {
  ++result_.invocations.unstarted;
  ++result_.late;
  result_.start_delay.record(end - invocation.due);
  ++result_.series.due.at(invocation.due);
  waited(invocation, end - invocation.due);
}

void FleetRecorder::waited(const Invocation& invocation, Micros latency) {
  result_.latency.record(latency);
  result_.queries[invocation.query].latency.record(latency);
  result_.series.latency.at(invocation.due).record(latency);
}

void FleetRecorder::froze(bool in_transaction) {
  ++result_.environments.frozen;
  if (in_transaction) ++result_.environments.frozen_in_transaction;
}

void FleetRecorder::connected(Micros at, Micros took) {
  ConnectionCounts& connections = result_.connections;
  ++connections.opened;
  connections.max = std::max(connections.max, ++connections.now);
  result_.login.record(took);
  result_.series.connections.set(at, connections.now);
}

void FleetRecorder::lost(Micros at, const Failure& failure) {
  ++result_.connections.lost;
  result_.losses.add(failure);
  disconnected(at);
}

void FleetRecorder::disconnected(Micros at) {
  assert(result_.connections.now > 0);
  result_.series.connections.set(at, --result_.connections.now);
}

void FleetRecorder::ended(Micros at) {
  result_.wall = at;
  for (TimeSeries<std::uint64_t>* series :
       {&result_.series.due, &result_.series.served, &result_.series.failed})
    series->at(at);
  result_.series.latency.at(at);
  result_.series.connections.set(at, result_.connections.now);
}

}  // namespace pgweir::bench
