// What a security group's rules let through.
#pragma once

#include <string>
#include <vector>

#include "proxy/documents/scene.hpp"

namespace pgweir::doctor {

// How one rule was found to let TCP through to a port.
struct Admission {
  std::string group;  // whose rule it is
  std::string by;     // the other side: a security group, a prefix list, or an address block
  bool by_address = false;
  bool by_prefix_list = false;
};

// What the rules of `groups` admit, for incoming (or outgoing) traffic.
std::vector<Admission> admissions(const Scene& scene, const std::set<std::string>& groups, std::int64_t port,
                                  bool outgoing);
// Whether the address block of an admission includes any of these subnets.
bool reaches(const Scene& scene, const Admission& admission, const std::set<std::string>& subnets);

}  // namespace pgweir::doctor
