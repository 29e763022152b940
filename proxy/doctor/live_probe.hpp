// The course of the live checks: one step after the other, until one does not succeed.
#pragma once

#include <map>
#include <string>

#include "proxy/doctor/live_checks.hpp"
#include "proxy/doctor/wire.hpp"

namespace pgweir::doctor {

struct Probe {
  const LiveTarget& target;
  std::map<std::string, Finding> findings = {};
  std::string stopped = {};  // why later steps were not tried
  std::vector<Address> addresses = {};
  Wire wire = {};
  std::string refused_plain = {};  // what the server said to SSLRequest, if not S

  void report(Finding finding) { findings.insert_or_assign(finding.id, std::move(finding)); }
  // For the step that ends it: false.
  bool stop(Finding finding, std::string why) {
    stopped = std::move(why);
    report(std::move(finding));
    return false;
  }
  std::string where() const { return target.database.host + ":" + std::to_string(target.database.port); }
};

// Each fills in its checks; false: the following steps make no sense.
bool resolve_name(Probe& probe);  // L01 to L04
bool connect_tcp(Probe& probe);   // L05 to L07
bool start_tls(Probe& probe);     // L08 to L12
bool log_in(Probe& probe);        // L13 to L19
void ask_server(Probe& probe);    // L20 to L22
void look_around(Probe& probe);   // L23 to L30, which depend on nothing else

}  // namespace pgweir::doctor
