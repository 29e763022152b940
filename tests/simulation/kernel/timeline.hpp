// Simulated time, and what happens at which moment of it. Nothing waits: time jumps to the next event. Pure.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <queue>
#include <vector>

namespace pgweir::simulation {

using SimTime = std::chrono::nanoseconds;  // since the simulation began, or between two moments of it

class Timeline {
 public:
  using Event = std::function<void()>;

  SimTime now() const { return now_; }
  // Events of the same moment happen in the order in which they were planned.
  void at(SimTime when, Event event) { events_.push({std::max(when, now_), ++planned_, std::move(event)}); }
  void after(SimTime delay, Event event) { at(now_ + delay, std::move(event)); }
  // When the next event happens; nullopt: nothing is planned.
  std::optional<SimTime> next() const {
    return events_.empty() ? std::nullopt : std::optional(events_.top().when);
  }
  // Lets the next event happen, now or later.
  void run_next() {
    Entry entry = events_.top();
    events_.pop();
    now_ = entry.when;
    ++happened_;
    entry.event();
  }
  // Nothing is planned before that moment.
  void jump_to(SimTime when) { now_ = std::max(now_, when); }
  std::uint64_t happened() const { return happened_; }

 private:
  struct Entry {
    SimTime when;
    std::uint64_t number;
    Event event;
    bool operator<(const Entry& other) const {
      return when != other.when ? when > other.when : number > other.number;
    }
  };

  SimTime now_{};
  std::uint64_t planned_ = 0;
  std::uint64_t happened_ = 0;
  std::priority_queue<Entry> events_;
};

}  // namespace pgweir::simulation
