#include "bench/fleet_options.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

namespace pgweir::bench {
namespace {

constexpr std::size_t targets_max = 8;
constexpr std::uint32_t environments_max = 100'000;  // one process and one thread hold them all
constexpr double rate_max = 1e6;
constexpr Seconds time_max{24 * 3600.0};
constexpr double invocations_max = 1e8;                    // of the whole run
constexpr std::uint32_t fleet_source_addresses_max = 250;  // 127.0.0.2 to 127.0.0.251

bool contains_nul(const std::string& text) {
  return text.find('\0') != std::string::npos;
}

// NAME=HOST:PORT; an IPv6 address stands in brackets.
std::optional<FleetTarget> parse_target(const std::string& text) {
  const std::size_t equals = text.find('=');
  const std::size_t colon = text.rfind(':');
  if (equals == std::string::npos || colon == std::string::npos || colon < equals) return std::nullopt;
  FleetTarget out{text.substr(0, equals), text.substr(equals + 1, colon - equals - 1), 0};
  if (out.host.starts_with('[') && out.host.ends_with(']'))
    out.host = out.host.substr(1, out.host.size() - 2);
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data() + colon + 1, end, out.port);
  if (error != std::errc() || stopped != end || out.port == 0) return std::nullopt;
  if (out.name.empty() || out.host.empty() || contains_nul(text) || out.host.front() == '/')
    return std::nullopt;
  return out;
}

void check_targets(const FleetOptions& options, std::vector<std::string>& problems) {
  if (options.targets.empty())
    problems.emplace_back("no --target: name at least one, as in --target direct=127.0.0.1:5432");
  if (options.targets.size() > targets_max) problems.emplace_back("more than 8 --target");
  std::vector<std::string> names;
  for (const std::string& text : options.targets) {
    const auto target = parse_target(text);
    if (!target) {
      problems.push_back("--target " + text + " is not NAME=HOST:PORT");
    } else if (std::find(names.begin(), names.end(), target->name) != names.end()) {
      problems.push_back("--target " + target->name + " is named twice");
    } else {
      names.push_back(target->name);
    }
  }
}

bool is_probability(double value) {
  return value >= 0 && value <= 1;
}

bool is_time(Seconds value, double least) {
  return value.count() >= least && value <= time_max;
}

}  // namespace

std::vector<std::string> check(const FleetOptions& options) {
  std::vector<std::string> problems;
  auto require = [&](bool holds, const char* sentence) {
    if (!holds) problems.emplace_back(sentence);
  };
  check_targets(options, problems);
  require(!options.user.empty(), "--user is empty");
  require(!contains_nul(options.user) && !contains_nul(options.database),
          "--user or --database contains a zero byte");
  require(options.environments >= 1 && options.environments <= environments_max,
          "--environments is not between 1 and 100000");
  require(options.burst <= options.environments, "--burst is above --environments");
  require(options.arrival_rate > 0 && options.arrival_rate <= rate_max,
          "--arrival-rate is not above 0, or above 1000000");
  require(is_time(options.ramp, 0), "--ramp is not between 0 and 86400 seconds");
  require(is_time(options.duration, 0.1), "--duration is not between 0.1 and 86400 seconds");
  const bool paced = options.think_time.count() == 0
                         ? options.invocation_rate > 0 && options.invocation_rate <= rate_max
                         : is_time(options.think_time, 1e-6);
  require(paced, "--invocation-rate or --think-time is not above 0, or beyond a million per second");
  require(is_probability(options.freeze), "--freeze is not a probability between 0 and 1");
  require(is_probability(options.freeze_in_transaction),
          "--freeze-in-transaction is not a probability between 0 and 1");
  require(is_probability(options.reap), "--reap is not a probability between 0 and 1");
  require(is_time(options.freeze_time, 0.001), "--freeze-time is not between 0.001 and 86400 seconds");
  require(options.timeout >= std::chrono::seconds(1), "--timeout is below 1 second");
  require(is_time(options.grace, 0), "--grace is not between 0 and 86400 seconds");
  require(is_time(options.pause, 0), "--pause is not between 0 and 86400 seconds");
  require(options.source_addresses >= 1 && options.source_addresses <= fleet_source_addresses_max,
          "--source-addresses is not between 1 and 250");
  if (!problems.empty()) return problems;
  const double each = options.duration / options.interval() + 1;
  const double most =
      options.invocations == 0 ? each : std::min(each, static_cast<double>(options.invocations));
  require(
      most * options.environments <= invocations_max,
      "more than 100000000 invocations in all: fewer --environments, a lower --invocation-rate or a shorter "
      "--duration");
  return problems;
}

std::vector<FleetTarget> parse_targets(const FleetOptions& options) {
  std::vector<FleetTarget> out;
  for (const std::string& text : options.targets) out.push_back(parse_target(text).value());
  return out;
}

}  // namespace pgweir::bench
