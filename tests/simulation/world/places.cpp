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
  if (!sees_ends_) taken.pooled -= std::min(taken.pooled, taken.left);
  const bool may_be_too_many = taken.pooled > max_size || pool.ceiling > max_size;
  if (!may_be_too_many) {
    pool = {max_size, now};
    return {};
  }
  const auto found = services.pools.find("app", user);
  if (!found) return {};
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

}  // namespace pgweir::simulation
