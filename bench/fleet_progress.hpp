// How a run is getting on, on stderr: one line that is written anew on a terminal, a line every ten seconds
// elsewhere.
#pragma once

#include <string>

#include "bench/fleet_options.hpp"
#include "bench/fleet_result.hpp"

namespace pgweir::bench {

// One line without its end.
std::string fleet_progress_line(const std::string& target, const FleetResult& so_far, Micros elapsed,
                                Seconds duration);

class FleetProgress {
 public:
  FleetProgress(const FleetOptions& options, std::string target);

  void show(const FleetResult& so_far, Micros elapsed);
  void finish(const FleetResult& result, Micros elapsed);

 private:
  std::string target_;
  Seconds duration_;
  bool wanted_;
  bool terminal_;
  Micros next_{};
};

}  // namespace pgweir::bench
