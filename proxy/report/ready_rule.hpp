// Whether a load balancer should send clients to this instance (/readyz).
//
//   starting -> ready, when each pool that is kept warm has tried to log in once, and at least one database
//               has been reached, where any is kept warm. Databases of admin.ready_requires must be reached
//               in any case.
//   ready    -> stays so while databases are away: clients wait here as well as anywhere else, and a balancer
//               that took all instances away would only cut them off. Only draining ends it, and for as long
//               as it is away a database of admin.ready_requires.
//
// So one dead database of two keeps no new instance from serving the other, and an instance that can reach
// nothing is never sent clients. Databases without a pool that is kept warm (min_size 0), and those that "*"
// stands for, are reached when a client wants them, and not waited for. Pure.
#pragma once

#include <string>
#include <vector>

#include "config/settings.hpp"
#include "proxy/backend/reachability.hpp"

namespace pgweir {

class ReadyRule {
 public:
  struct Answer {
    bool ready = false;
    std::string text;  // a line for the whole, then one for each configured database
  };

  // To be asked each second, too, because it remembers what was ready once.
  Answer judge(const config::Settings& settings, const std::vector<PoolFacts>& pools, bool draining,
               TimePoint now, std::chrono::system_clock::time_point wall);

 private:
  bool was_ready_ = false;
};

}  // namespace pgweir
