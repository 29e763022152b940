// The course of the live checks: one step after the other, until one does not succeed.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "proxy/doctor/aws_probe.hpp"
#include "proxy/doctor/live_target.hpp"
#include "proxy/doctor/wire.hpp"
#include "proxy/documents/finding.hpp"

namespace pgweir::doctor {

// The time for one step that only the network can delay.
inline constexpr std::chrono::seconds network_patience{5};

struct Probe {
  const LiveTarget& target;
  std::map<std::string, Finding> findings = {};
  std::string stopped = {};  // why later steps were not tried
  std::vector<Address> addresses = {};
  Wire wire = {};
  std::unique_ptr<AwsProbe> aws_probe = {};

  // Made when it is first needed.
  AwsProbe& aws() {
    if (!aws_probe) aws_probe = std::make_unique<AwsProbe>(target.settings.aws);
    return *aws_probe;
  }
  void report(Finding finding) { findings.insert_or_assign(finding.id, std::move(finding)); }
  // Ends the steps with this finding; returns false.
  bool stop(Finding finding, std::string why) {
    stopped = std::move(why);
    report(std::move(finding));
    return false;
  }
  std::string where() const { return target.database.host + ":" + std::to_string(target.database.port); }
};

// Each step fills in its checks; false: the following steps make no sense.
bool resolve_name(Probe& probe);  // L01 to L03
bool connect_tcp(Probe& probe);   // L05 to L07
bool start_tls(Probe& probe);     // L08 to L12
bool log_in(Probe& probe);        // L13 to L19
void ask_server(Probe& probe);    // L20 to L22

// Checks that depend on none of these steps.
void look_around(Probe& probe);           // all of the following
void look_at_networks(Probe& probe);      // L04
void look_for_services(Probe& probe);     // L23, L24
void ask_aws(Probe& probe);               // L25 to L27
void look_for_credentials(Probe& probe);  // L28

}  // namespace pgweir::doctor
