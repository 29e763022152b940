#include "proxy/report/ready_rule.hpp"

#include <algorithm>

namespace pgweir {
namespace {

struct Judged {
  std::string name;
  bool required = false;
  Reachability reachability;
};

std::vector<PoolFacts> pools_of(const std::string& database, const std::vector<PoolFacts>& pools) {
  std::vector<PoolFacts> found;
  std::copy_if(pools.begin(), pools.end(), std::back_inserter(found),
               [&](const PoolFacts& pool) { return pool.database == database && !pool.retired; });
  return found;
}

// Names that "*" stands for are made up by clients.
std::vector<Judged> judge_databases(const config::Settings& settings, const std::vector<PoolFacts>& pools,
                                    TimePoint now) {
  const std::vector<std::string>& required = settings.admin.ready_requires;
  std::vector<Judged> databases;
  for (const auto& [name, database] : settings.databases) {
    if (name == "*") continue;
    const bool is_required = std::find(required.begin(), required.end(), name) != required.end();
    databases.push_back({name, is_required, judge_reachability(pools_of(name, pools), now)});
  }
  return databases;
}

// Empty: nothing keeps a new instance from serving.
std::string why_not_yet(const std::vector<Judged>& databases) {
  bool any_warm = false;
  bool any_up = false;
  for (const auto& [name, required, reachability] : databases) {
    if (!reachability.settled) return "the first login to " + name + " is under way";
    any_warm |= reachability.kept_warm;
    any_up |= reachability.kept_warm && reachability.is_up();
  }
  return any_warm && !any_up ? "no database could be reached yet" : "";
}

std::string missing_required(const std::vector<Judged>& databases) {
  std::string names;
  for (const auto& [name, required, reachability] : databases) {
    if (required && !reachability.is_up()) names += (names.empty() ? "" : ", ") + name;
  }
  return names.empty() ? "" : "admin.ready_requires: " + names;
}

std::string why_not(const std::vector<Judged>& databases, bool draining, bool& was_ready) {
  if (draining) return "draining";
  std::string reason = missing_required(databases);
  if (reason.empty() && !was_ready) reason = why_not_yet(databases);
  was_ready |= reason.empty();
  return reason;
}

}  // namespace

ReadyRule::Answer ReadyRule::judge(const config::Settings& settings, const std::vector<PoolFacts>& pools,
                                   bool draining, TimePoint now, std::chrono::system_clock::time_point wall) {
  const std::vector<Judged> databases = judge_databases(settings, pools, now);
  const std::string reason = why_not(databases, draining, was_ready_);
  Answer answer{reason.empty(), reason.empty() ? "ready\n" : "not ready: " + reason + '\n'};
  for (const auto& [name, required, reachability] : databases) {
    answer.text += name + (required ? " (required): " : ": ") + describe(reachability, now, wall) + '\n';
  }
  return answer;
}

}  // namespace pgweir
