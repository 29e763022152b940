#include "proxy/doctor/live_checks.hpp"

#include <csignal>
#include <cstdio>

#include "proxy/doctor/live_probe.hpp"

namespace pgweir::doctor {
namespace {

constexpr int last_check = 30;
constexpr int last_step_check = 22;  // the last of the checks that depend on those before

std::string id_of(int number) {
  char text[8];
  std::snprintf(text, sizeof text, "L%02d", number);
  return text;
}

}  // namespace

std::vector<Finding> run_live_checks(const LiveTarget& target) {
  std::signal(SIGPIPE, SIG_IGN);
  Probe probe{target};
  if (resolve_name(probe) && connect_tcp(probe) && start_tls(probe) && log_in(probe)) ask_server(probe);
  look_around(probe);
  std::vector<Finding> findings;
  for (int number = 1; number <= last_check; ++number) {
    const std::string id = id_of(number);
    const auto found = probe.findings.find(id);
    if (found != probe.findings.end()) {
      findings.push_back(std::move(found->second));
    } else {
      const bool late = number <= last_step_check && !probe.stopped.empty();
      findings.push_back(
          not_evaluated(id, late ? "not reached: " + probe.stopped : "nothing that was tried tells"));
    }
  }
  return findings;
}

}  // namespace pgweir::doctor
