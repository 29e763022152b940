// S07 to S10: network ACLs, routes, and the way to AWS's own services.
#include <algorithm>

#include "proxy/documents/security_rules.hpp"
#include "proxy/documents/static_checks.hpp"

namespace pgweir::doctor {
namespace {

// Where return packets go: a client's ephemeral port. Both ends of the range are looked at, since a rule for
// a part of it lets some connections through and others not.
constexpr std::int64_t ephemeral_first = 1024;
constexpr std::int64_t ephemeral_last = 65535;

const Json& acl_of(const Scene& scene, const std::string& subnet_id) {
  static const Json nothing;
  for (const Json& acl : list(scene.documents["ec2-network-acls"], "NetworkAcls")) {
    for (const Json& association : list(acl, "Associations")) {
      if (text(association, "SubnetId") == subnet_id) return acl;
    }
  }
  return nothing;
}

bool applies(const Json& entry, bool egress, const config::Network& other, std::int64_t port) {
  if (flag(entry, "Egress") != egress) return false;
  std::string error;
  const auto block = config::parse_network(text(entry, "CidrBlock"), error);
  if (!block || !covers(*block, other)) return false;
  const std::string protocol = text(entry, "Protocol");
  if (protocol == "-1") return true;
  if (protocol != "6") return false;
  const Json& range = at(entry, "PortRange");
  return number(range, "From", 0) <= port && port <= number(range, "To", 65535);
}

// The rule with the lowest number decides; without any rule the answer is no.
bool lets_through(const Json& acl, bool egress, const config::Network& other, std::int64_t port,
                  std::string& rule) {
  const Json* first = nullptr;
  for (const Json& entry : list(acl, "Entries")) {
    if (!applies(entry, egress, other, port)) continue;
    if (first == nullptr || number(entry, "RuleNumber", 0) < number(*first, "RuleNumber", 0)) first = &entry;
  }
  rule =
      first == nullptr ? "no rule" : "rule " + text(*first, "RuleNumber") + " " + text(*first, "RuleAction");
  return first != nullptr && text(*first, "RuleAction") == "allow";
}

struct Leg {
  const char* what;
  const std::string& at;     // the subnet whose ACL it is
  const std::string& other;  // the subnet that the packet comes from, or goes to
  bool egress;
  std::int64_t port;
};

// The route table of a subnet, or the VPC's main one.
const Json& table_of(const Scene& scene, const std::string& subnet_id) {
  static const Json nothing;
  const Json* main = &nothing;
  for (const Json& table : list(scene.documents["ec2-route-tables"], "RouteTables")) {
    if (text(table, "VpcId") != text(subnet(scene, subnet_id), "VpcId")) continue;
    for (const Json& association : list(table, "Associations")) {
      if (text(association, "SubnetId") == subnet_id) return table;
      if (flag(association, "Main")) main = &table;
    }
  }
  return *main;
}

// The route with the longest prefix that covers it; null: none.
const Json& route_to(const Json& table, const config::Network& target) {
  static const Json nothing;
  const Json* best = &nothing;
  unsigned bits = 0;
  for (const Json& route : list(table, "Routes")) {
    std::string error;
    const auto block = config::parse_network(text(route, "DestinationCidrBlock"), error);
    if (block && covers(*block, target) && (best->is_null() || block->bits > bits)) {
      best = &route;
      bits = block->bits;
    }
  }
  return *best;
}

config::Network anywhere() {
  std::string error;
  return *config::parse_network("0.0.0.0/0", error);
}

const Json& default_route(const Scene& scene, const std::string& subnet_id) {
  return route_to(table_of(scene, subnet_id), anywhere());
}

// Whether the client can reach the service by an interface endpoint that admits it.
bool has_endpoint(const Scene& scene, std::string_view service) {
  for (const Json& endpoint : list(scene.documents["ec2-vpc-endpoints"], "VpcEndpoints")) {
    if (!text(endpoint, "ServiceName").ends_with("." + std::string(service))) continue;
    if (text(endpoint, "State") != "available" || !flag(endpoint, "PrivateDnsEnabled")) continue;
    std::set<std::string> groups;
    for (const Json& group : list(endpoint, "Groups")) groups.insert(text(group, "GroupId"));
    for (const Admission& one : admissions(scene, groups, 443, false)) {
      if (scene.client_groups.contains(one.by) ||
          (one.by_address && reaches(scene, one, scene.client_subnets)))
        return true;
    }
  }
  return false;
}

}  // namespace

Finding network_acls(const Scene& scene) {
  std::string reason = missing(scene, {"ec2-network-acls", "ec2-subnets"});
  if (reason.empty()) reason = missing_client(scene) + missing_database(scene);
  if (!reason.empty()) return not_evaluated("S07", reason);
  std::vector<Evidence> closed;
  std::size_t looked_at = 0;
  for (const std::string& client : scene.client_subnets) {
    for (const std::string& server : scene.database_subnets) {
      if (client == server) continue;  // ACLs stand between subnets
      for (const Leg& leg : {Leg{"request leaves", client, server, true, scene.port},
                             Leg{"request arrives", server, client, false, scene.port},
                             Leg{"answer leaves", server, client, true, ephemeral_first},
                             Leg{"answer leaves", server, client, true, ephemeral_last},
                             Leg{"answer arrives", client, server, false, ephemeral_first},
                             Leg{"answer arrives", client, server, false, ephemeral_last}}) {
        const Json& acl = acl_of(scene, leg.at);
        const auto other = network_of(subnet(scene, leg.other));
        std::string rule;
        if (acl.is_null() || !other) continue;
        ++looked_at;
        if (!lets_through(acl, leg.egress, *other, leg.port, rule))
          closed.push_back({"ec2-network-acls.json: " + text(acl, "NetworkAclId") + " of " + leg.at + ", " +
                                leg.what + ", port " + std::to_string(leg.port),
                            rule});
      }
    }
  }
  if (!closed.empty())
    return problem("S07", "A network ACL drops packets between client and database.", closed,
                   {"aws ec2 create-network-acl-entry --network-acl-id acl-... --rule-number 90 --protocol "
                    "tcp --port-range "
                    "From=" +
                        std::to_string(scene.port) + ",To=" + std::to_string(scene.port) +
                        " --cidr-block ... --rule-action allow --ingress",
                    "ACLs know no connections: answers need a rule of their own, for ports 1024 to 65535"});
  if (looked_at == 0)
    return not_evaluated("S07", "no ACL of these subnets, or not their addresses, in what was collected");
  return passed("S07", "Network ACLs let requests and answers through.");
}

Finding routes_to_database(const Scene& scene) {
  std::string reason = missing(scene, {"ec2-route-tables", "ec2-subnets"});
  if (reason.empty()) reason = missing_client(scene) + missing_database(scene);
  if (!reason.empty()) return not_evaluated("S08", reason);
  std::vector<Evidence> broken;
  std::size_t looked_at = 0;
  const auto look = [&](const std::string& from, const std::string& to) {
    const auto target = network_of(subnet(scene, to));
    const Json& table = table_of(scene, from);
    if (!target || table.is_null()) return;
    ++looked_at;
    const Json& route = route_to(table, *target);
    const bool elsewhere =
        text(route, "GatewayId").starts_with("igw-") || !text(route, "NatGatewayId").empty();
    if (route.is_null() || text(route, "State") == "blackhole" || elsewhere)
      broken.push_back({"ec2-route-tables.json: " + text(table, "RouteTableId") + " of " + from + " to " + to,
                        route.is_null() ? "no route" : route.dump()});
  };
  for (const std::string& client : scene.client_subnets) {
    for (const std::string& server : scene.database_subnets) {
      look(client, server);
      look(server, client);
    }
  }
  if (!broken.empty())
    return problem("S08", "A subnet has no working route to the other side.", broken,
                   {"aws ec2 create-route --route-table-id rtb-... --destination-cidr-block ... "
                    "--vpc-peering-connection-id pcx-... (in both VPCs)"});
  if (looked_at == 0)
    return not_evaluated("S08",
                         "no route table of these subnets, or not their addresses, in what was collected");
  return passed("S08", "Routes lead from client to database and back.");
}

Finding public_subnet(const Scene& scene) {
  std::string reason = missing(scene, {"ec2-route-tables", "ec2-subnets"});
  if (reason.empty()) reason = missing_client(scene);
  if (!reason.empty()) return not_evaluated("S09", reason);
  std::vector<Evidence> found;
  for (const std::string& id : scene.client_subnets) {
    const std::string gateway = text(default_route(scene, id), "GatewayId");
    if (gateway.starts_with("igw-")) found.push_back({"ec2-route-tables.json: 0.0.0.0/0 of " + id, gateway});
  }
  if (found.empty()) return passed("S09", "The client's subnets are private.");
  return warning(
      "S09",
      "The client's subnet leads to an internet gateway, but neither functions nor these tasks get a public "
      "address: nothing outside can be reached.",
      found, {"use private subnets, whose 0.0.0.0/0 leads to a NAT gateway, or interface endpoints"});
}

Finding path_to_aws(const Scene& scene) {
  std::string reason =
      missing(scene, {"ec2-route-tables", "ec2-subnets", "ec2-vpc-endpoints", "ec2-security-groups"});
  if (reason.empty()) reason = missing_client(scene);
  if (!reason.empty()) return not_evaluated("S10", reason);
  std::vector<Evidence> without;
  for (const std::string& id : scene.client_subnets) {
    if (!text(default_route(scene, id), "NatGatewayId").empty()) continue;
    for (const std::string_view service : {"secretsmanager", "sts"}) {
      if (!has_endpoint(scene, service))
        without.push_back({"ec2-vpc-endpoints.json", "no endpoint for " + std::string(service) +
                                                         " admits the client, and " + id +
                                                         " has no NAT gateway"});
    }
  }
  if (without.empty()) return passed("S10", "Secrets Manager and STS can be reached.");
  return warning(
      "S10",
      "Secrets Manager or STS cannot be reached from the client's subnets; needed for secrets and IAM only.",
      without,
      {"aws ec2 create-vpc-endpoint --vpc-endpoint-type Interface --private-dns-enabled --vpc-id " +
       scene.client_vpc + " --service-name com.amazonaws.REGION.secretsmanager --subnet-ids " +
       joined(scene.client_subnets) + " --security-group-ids sg-..."});
}

}  // namespace pgweir::doctor
