#include "proxy/documents/security_rules.hpp"

namespace pgweir::doctor {
namespace {

bool fits(const Json& rule, std::int64_t port) {
  const std::string protocol = text(rule, "IpProtocol");
  if (protocol == "-1") return true;
  if (protocol != "tcp" && protocol != "6") return false;
  return number(rule, "FromPort", 65536) <= port && port <= number(rule, "ToPort", -1);
}

void add(std::vector<Admission>& out, const std::string& group, const Json& rule) {
  for (const Json& pair : list(rule, "UserIdGroupPairs")) out.push_back({group, text(pair, "GroupId")});
  for (const Json& block : list(rule, "IpRanges")) out.push_back({group, text(block, "CidrIp"), true});
  for (const Json& block : list(rule, "Ipv6Ranges")) out.push_back({group, text(block, "CidrIpv6"), true});
  for (const Json& prefixes : list(rule, "PrefixListIds"))
    out.push_back({group, text(prefixes, "PrefixListId"), false, true});
}

}  // namespace

std::vector<Admission> admissions(const Scene& scene, const std::set<std::string>& groups, std::int64_t port,
                                  bool outgoing) {
  std::vector<Admission> out;
  for (const std::string& id : groups) {
    for (const Json& rule :
         list(security_group(scene, id), outgoing ? "IpPermissionsEgress" : "IpPermissions")) {
      if (fits(rule, port)) add(out, id, rule);
    }
  }
  return out;
}

bool reaches(const Scene& scene, const Admission& admission, const std::set<std::string>& subnets) {
  std::string error;
  const auto block = config::parse_network(admission.by, error);
  if (!block) return false;
  for (const std::string& id : subnets) {
    const auto network = network_of(subnet(scene, id));
    if (network && (covers(*block, *network) || covers(*network, *block))) return true;
  }
  return false;
}

}  // namespace pgweir::doctor
