#include "bench/fleet_schedule.hpp"

#include <algorithm>
#include <cmath>

namespace pgweir::bench {
namespace {

Micros to_micros(Seconds time) {
  return std::chrono::round<Micros>(time);
}

// The rate grows in a straight line for `ramp` and stays. This is the time by which `expected` have come:
// the inverse of rate * t^2 / (2 * ramp) first, of rate * (t - ramp / 2) from then on.
Seconds time_of(double expected, double rate, Seconds ramp) {
  const double in_ramp = rate * ramp.count() / 2;
  if (expected < in_ramp) return Seconds(std::sqrt(2 * ramp.count() * expected / rate));
  return Seconds(expected / rate + ramp.count() / 2);
}

// FNV-1a over the eight bytes of a number.
void mix_in(std::uint64_t& digest, std::uint64_t value) {
  for (unsigned shift = 0; shift < 64; shift += 8) {
    digest ^= (value >> shift) & 0xff;
    digest *= 0x100000001b3U;
  }
}

}  // namespace

EnvironmentSchedule::EnvironmentSchedule(const FleetOptions& options, const QueryMix& mix, Micros arrival,
                                         std::uint64_t seed)
    : options_(&options),
      mix_(&mix),
      random_(seed),
      end_(to_micros(options.duration)),
      due_(arrival),
      left_(options.invocations) {}

Micros EnvironmentSchedule::draw(Seconds mean) {
  if (options_->spacing == Spacing::even) return to_micros(mean);
  return to_micros(Seconds(random_.exponential(mean.count())));
}

std::optional<Invocation> EnvironmentSchedule::next() {
  if (due_ >= end_) return std::nullopt;
  Invocation out;
  out.due = due_;
  out.query = mix_->pick(random_);
  out.numbers = random_.next();
  // Always the same draws, so that another probability changes only what it has to.
  const bool freezes = random_.chance(options_->freeze);
  const bool in_transaction = random_.chance(options_->freeze_in_transaction);
  const bool reaped = random_.chance(options_->reap);
  const Micros frozen = draw(options_->freeze_time);
  const Micros gap = draw(options_->interval());
  const bool last = options_->invocations > 0 && --left_ == 0;
  if (freezes || last) {
    out.then = last || reaped ? Afterwards::be_reaped : Afterwards::freeze;
    out.in_transaction = freezes && in_transaction;
    out.until = due_ + frozen;
  }
  due_ = out.then == Afterwards::be_reaped ? end_ : out.then == Afterwards::freeze ? out.until : due_ + gap;
  return out;
}

FleetSchedule::FleetSchedule(const FleetOptions& options, const QueryMix& mix)
    : options_(options), mix_(mix) {
  Random random(options.seed);
  double expected = 0;
  for (std::uint32_t i = 0; i < options.environments; ++i) {
    Micros at{0};
    if (i >= options.burst) {
      expected += options.spacing == Spacing::even ? 1.0 : random.exponential(1.0);
      at = to_micros(time_of(expected, options.arrival_rate, options.ramp));
    }
    if (at >= to_micros(options.duration)) break;
    arrivals_.push_back(at);
  }
}

EnvironmentSchedule FleetSchedule::environment(std::size_t index) const {
  // A sequence of its own for each environment.
  Random seeds(options_.seed + 0x51ed270b7a3f9c15U * (index + 1));
  return {options_, mix_, arrivals_[index], seeds.next()};
}

FleetSchedule::Totals FleetSchedule::totals() const {
  Totals out;
  out.environments = size();
  out.digest = 0xcbf29ce484222325U;
  for (std::size_t i = 0; i < size(); ++i) {
    EnvironmentSchedule schedule = environment(i);
    while (const auto invocation = schedule.next()) {
      ++out.invocations;
      if (invocation->then == Afterwards::freeze) ++out.freezes;
      if (invocation->then == Afterwards::be_reaped) ++out.reaped;
      if (invocation->in_transaction) ++out.in_transaction;
      mix_in(out.digest, static_cast<std::uint64_t>(invocation->due.count()));
      mix_in(out.digest, invocation->query);
      mix_in(out.digest, invocation->numbers);
      mix_in(out.digest, static_cast<std::uint64_t>(invocation->until.count()));
      mix_in(out.digest,
             static_cast<std::uint64_t>(invocation->then) * 2 + (invocation->in_transaction ? 1 : 0));
    }
  }
  return out;
}

}  // namespace pgweir::bench
