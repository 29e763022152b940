#include "proxy/doctor/live_checks.hpp"

namespace pgweir::doctor {
std::vector<Finding> run_live_checks(const LiveTarget&) {
  return {not_evaluated("L01", "not there yet")};
}
}  // namespace pgweir::doctor
