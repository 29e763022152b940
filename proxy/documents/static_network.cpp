// S01 to S06: whether client and database are in one network, and whether security groups let them connect.
#include <algorithm>

#include "proxy/documents/security_rules.hpp"
#include "proxy/documents/static_checks.hpp"

namespace pgweir::doctor {
namespace {

std::string first_missing(std::initializer_list<std::string> reasons) {
  for (const std::string& reason : reasons) {
    if (!reason.empty()) return reason;
  }
  return {};
}

bool peered(const Scene& scene) {
  for (const Json& peering : list(scene.documents["ec2-vpc-peering-connections"], "VpcPeeringConnections")) {
    const std::set<std::string> ends{text(at(peering, "RequesterVpcInfo"), "VpcId"),
                                     text(at(peering, "AccepterVpcInfo"), "VpcId")};
    if (ends == std::set<std::string>{scene.client_vpc, scene.database_vpc} &&
        text(at(peering, "Status"), "Code") == "active")
      return true;
  }
  return false;
}

std::string admit_command(const Scene& scene, std::int64_t port) {
  const auto first = [](const std::set<std::string>& ids) { return ids.empty() ? "sg-..." : *ids.begin(); };
  return "aws ec2 authorize-security-group-ingress --group-id " + first(scene.database_groups) +
         " --protocol tcp --port " + std::to_string(port) + " --source-group " + first(scene.client_groups);
}

std::vector<Evidence> shown(const std::vector<Admission>& admitted, std::string_view key) {
  std::vector<Evidence> out;
  out.reserve(admitted.size() + 1);
  for (const Admission& one : admitted)
    out.push_back({"ec2-security-groups.json: " + one.group + "." + std::string(key), one.by});
  return out;
}

}  // namespace

Finding function_in_vpc(const Scene& scene) {
  if (const std::string reason = missing(scene, {"lambda-function"}); !reason.empty())
    return not_evaluated("S01", reason);
  const Json& function = scene.documents["lambda-function"];
  const std::string vpc = text(at(function, "VpcConfig"), "VpcId");
  const std::vector<Evidence> evidence{
      {"lambda-function.json: VpcConfig.VpcId", vpc.empty() ? "(none)" : vpc}};
  if (!vpc.empty()) return passed("S01", "The function is in a VPC.", evidence);
  return problem(
      "S01", "The function is in no VPC, so nothing private can be reached from it.", evidence,
      {"aws lambda update-function-configuration --function-name " + text(function, "FunctionName") +
       " --vpc-config SubnetIds=subnet-...,subnet-...,SecurityGroupIds=sg-..."});
}

Finding same_vpc(const Scene& scene) {
  const std::string reason = first_missing({missing_client(scene), missing_database(scene)});
  if (!reason.empty()) return not_evaluated("S02", reason);
  if (scene.client_vpc.empty())
    return not_evaluated("S02", "missing: ec2-subnets.json, which tells the client's VPC");
  const std::vector<Evidence> evidence{{"VPC of the " + scene.client, scene.client_vpc},
                                       {"rds-db-instances.json: DBSubnetGroup.VpcId", scene.database_vpc}};
  if (scene.client_vpc == scene.database_vpc)
    return passed("S02", "Client and database are in one VPC.", evidence);
  if (peered(scene))
    return warning(
        "S02",
        "Client and database are in different VPCs with an active peering: routes are needed both ways.",
        evidence, {});
  return problem("S02",
                 "Client and database are in different VPCs, and no active peering between them was found.",
                 evidence,
                 {"aws ec2 create-vpc-peering-connection --vpc-id " + scene.client_vpc + " --peer-vpc-id " +
                  scene.database_vpc});
}

Finding database_admits_client(const Scene& scene) {
  const std::string reason = first_missing(
      {missing_client(scene), missing_database(scene), missing(scene, {"ec2-security-groups"})});
  if (!reason.empty()) return not_evaluated("S03", reason);
  const auto admitted = admissions(scene, scene.database_groups, scene.port, false);
  const bool by_group = std::any_of(admitted.begin(), admitted.end(), [&](const Admission& one) {
    return scene.client_groups.contains(one.by);
  });
  const bool by_address = std::any_of(admitted.begin(), admitted.end(), [&](const Admission& one) {
    return one.by_address && reaches(scene, one, scene.client_subnets);
  });
  if (by_group || by_address)
    return passed("S03", "The database's security groups admit the client.",
                  shown(admitted, "IpPermissions"));
  if (std::any_of(admitted.begin(), admitted.end(), [](const Admission& one) { return one.by_prefix_list; }))
    return not_evaluated("S03", "a prefix list may admit the client; its entries were not collected");
  std::vector<Evidence> evidence = shown(admitted, "IpPermissions");
  evidence.push_back({"security groups of the " + scene.client, joined(scene.client_groups)});
  return problem("S03",
                 "No security group of the database admits the client on port " + std::to_string(scene.port) +
                     ": its packets are dropped, and connecting times out.",
                 evidence, {admit_command(scene, scene.port)});
}

Finding admitted_by_address(const Scene& scene) {
  const std::string reason =
      first_missing({missing_database(scene), missing(scene, {"ec2-security-groups"})});
  if (!reason.empty()) return not_evaluated("S04", reason);
  std::vector<Admission> blocks;
  bool open = false;
  for (const Admission& one : admissions(scene, scene.database_groups, scene.port, false)) {
    if (!one.by_address) continue;
    open = open || one.by == "0.0.0.0/0" || one.by == "::/0";
    blocks.push_back(one);
  }
  if (blocks.empty()) return passed("S04", "Nobody is admitted to the database by an address.");
  const std::vector<std::string> fixes{admit_command(scene, scene.port),
                                       "aws ec2 revoke-security-group-ingress --group-id " + blocks[0].group +
                                           " --protocol tcp --port " + std::to_string(scene.port) +
                                           " --cidr " + blocks[0].by};
  if (open)
    return problem("S04", "The database admits every address.", shown(blocks, "IpPermissions"), fixes);
  return warning("S04", "The database admits address blocks; security groups say better who is meant.",
                 shown(blocks, "IpPermissions"), fixes);
}

Finding client_may_speak(const Scene& scene) {
  const std::string reason = first_missing(
      {missing_client(scene), missing_database(scene), missing(scene, {"ec2-security-groups"})});
  if (!reason.empty()) return not_evaluated("S05", reason);
  const auto admitted = admissions(scene, scene.client_groups, scene.port, true);
  const bool by_group = std::any_of(admitted.begin(), admitted.end(), [&](const Admission& one) {
    return scene.database_groups.contains(one.by);
  });
  const bool by_address = std::any_of(admitted.begin(), admitted.end(), [&](const Admission& one) {
    return one.by_address && (one.by == "0.0.0.0/0" || reaches(scene, one, scene.database_subnets));
  });
  if (by_group || by_address)
    return passed("S05", "The client's security groups let it speak to the database.",
                  shown(admitted, "IpPermissionsEgress"));
  if (std::any_of(admitted.begin(), admitted.end(), [](const Admission& one) { return one.by_prefix_list; }))
    return not_evaluated("S05", "a prefix list may let the client out; its entries were not collected");
  return problem(
      "S05",
      "The client's security groups let nothing out to the database on port " + std::to_string(scene.port) +
          ".",
      {{"ec2-security-groups.json: IpPermissionsEgress of " + joined(scene.client_groups), "nothing fits"}},
      {"aws ec2 authorize-security-group-egress --group-id " +
       (scene.client_groups.empty() ? "sg-..." : *scene.client_groups.begin()) +
       " --ip-permissions IpProtocol=tcp,FromPort=" + std::to_string(scene.port) +
       ",ToPort=" + std::to_string(scene.port) + ",UserIdGroupPairs=[{GroupId=" +
       (scene.database_groups.empty() ? "sg-..." : *scene.database_groups.begin()) + "}]"});
}

Finding same_port(const Scene& scene) {
  if (const std::string reason = missing_database(scene); !reason.empty())
    return not_evaluated("S06", reason);
  if (scene.expected.port == 0)
    return not_evaluated("S06", "no configuration was given to compare the port with");
  const std::vector<Evidence> evidence{{"rds-db-instances.json: Endpoint.Port", std::to_string(scene.port)},
                                       {"configuration: port", std::to_string(scene.expected.port)}};
  if (scene.port == scene.expected.port)
    return passed("S06", "The configuration has the database's port.", evidence);
  return problem("S06", "The configuration has another port than the database.", evidence,
                 {"databases.NAME.port: " + std::to_string(scene.port)});
}

}  // namespace pgweir::doctor
