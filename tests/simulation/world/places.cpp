#include "tests/simulation/world/places.hpp"

#include <algorithm>

#include "proxy/pool/pool.hpp"
#include "proxy/process/services.hpp"

namespace pgweir::simulation {
namespace {

// After a reload an idle connection that is too many goes within this time, even where a worker gets no processor.
constexpr SimTime surplus_stays = std::chrono::seconds(2);

}  // namespace

std::string Places::problem(const ServerHost& server, Services& services, std::size_t max_size, SimTime now) {
  for (auto& [user, pool] : pools_) {
    if (std::string found = problem_of(pool, user, server, services, max_size, now); !found.empty())
      return found;
  }
  return {};
}

std::string Places::problem_of(Pool& pool, const std::string& user, const ServerHost& server,
                               Services& services, std::size_t max_size, SimTime now) {
  ServerHost::Taken taken = server.taken_by(user);
  const auto found = services.pools.find("app", user);
  if (!found) return {};
  if (std::string problem = problem_of_open(taken, user, *found); !problem.empty()) return problem;
  if (!sees_ends_) taken.pooled -= std::min(taken.pooled, taken.left);
  const bool may_be_too_many = taken.pooled > max_size || pool.ceiling > max_size;
  if (!may_be_too_many) {
    pool = {max_size, now};
    return {};
  }
  const PoolCounts counts = found->counts();
  // A larger max_size lasts for those that are there, or on their way, and not for one more in the place of one that goes.
  const std::size_t there = std::max(counts.total(), taken.pooled);
  pool.ceiling = std::max(max_size, std::min(pool.ceiling, there));
  if (counts.idle == 0 || counts.total() - counts.leaving <= max_size) pool.obeyed = now;
  // One that will LISTEN looks like any other until it has said so. It does not wait for the end of the last one.
  const bool may_listen = taken.listening == taken.listening_left && !found->hubs().empty();
  const std::size_t allowed = pool.ceiling + (may_listen ? 1 : 0);
  if (taken.pooled > allowed)
    return "the server has " + std::to_string(taken.pooled) + " connections of " + user + " (" +
           std::to_string(taken.left) + " of them left), " + std::to_string(allowed) + " are allowed";
  if (now - pool.obeyed > surplus_stays)
    return "the pool of " + user + " keeps " + std::to_string(counts.total() - counts.leaving) +
           " connections, some of them idle, long after max_size has become " + std::to_string(max_size);
  return {};
}

// Connections that pgweir has not left, and the server has not ended: the pool knows at each moment what it has of them.
std::string Places::problem_of_open(const ServerHost::Taken& taken, const std::string& user,
                                    const pgweir::Pool& pool) const {
  const std::size_t listening = taken.listening_open();
  const std::size_t counted = pool.counts().total();
  if (listening <= 1 && taken.pooled_open() <= counted && taken.logging_in <= max_logins_) return {};
  // A hub has one connection at a time, which looks like any other until it has said that it will LISTEN.
  const std::size_t hubs = pool.hubs().size();
  if (listening > hubs)
    return "the server has " + std::to_string(listening) + " connections of " + user +
           " that LISTEN for clients";
  const std::size_t unknown = hubs - listening;
  if (taken.pooled_open() > counted + unknown)
    return "pgweir has " + std::to_string(taken.pooled_open()) + " connections of " + user +
           " open, and counts " + std::to_string(counted);
  if (taken.logging_in > max_logins_ + unknown)
    return std::to_string(taken.logging_in) + " connections of " + user + " log in at once, " +
           std::to_string(max_logins_) + " may";
  return {};
}

}  // namespace pgweir::simulation
