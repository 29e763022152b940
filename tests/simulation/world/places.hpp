// Watches that each pool keeps to its limits: max_size as the server counts it, and what is left to do after a reload; how many
// log in at once; one connection that LISTENs; none that the pool does not count.
#pragma once

#include <map>
#include <string>

#include "tests/simulation/kernel/timeline.hpp"
#include "tests/simulation/world/server_host.hpp"

namespace pgweir {
class Pool;
struct Services;
}  // namespace pgweir

namespace pgweir::simulation {

class Places {
 public:
  // `sees_ends`: pgweir can wait for the server's end of a connection. It cannot where epoll takes no descriptor.
  Places(bool sees_ends, std::size_t max_logins) : sees_ends_(sees_ends), max_logins_(max_logins) {}
  // `max_size`: as the configuration has it now. Empty: nothing is wrong.
  std::string problem(const ServerHost& server, Services& services, std::size_t max_size, SimTime now);

 private:
  struct Pool {
    std::size_t ceiling = 0;  // max_size, or what is left of a larger one
    SimTime obeyed{};         // when there was last nothing that has to go
  };
  std::string problem_of(Pool& pool, const std::string& user, const ServerHost& server, Services& services,
                         std::size_t max_size, SimTime now);

  std::string problem_of_open(const ServerHost::Taken& taken, const std::string& user,
                              const pgweir::Pool& pool) const;

  const bool sees_ends_;
  const std::size_t max_logins_;
  std::map<std::string, Pool> pools_{{"app", {}}, {"shop", {}}};
};

}  // namespace pgweir::simulation
