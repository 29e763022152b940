#include "proxy/documents/scene.hpp"

namespace pgweir::doctor {
namespace {

void add_all(std::set<std::string>& out, const Json& texts) {
  for (const Json& one : texts) {
    if (one.is_string()) out.insert(one.get<std::string>());
  }
}

void read_client(Scene& scene) {
  const Json& services = list(scene.documents["ecs-services"], "services");
  if (!services.empty()) {
    const Json& network = at(at(services[0], "networkConfiguration"), "awsvpcConfiguration");
    scene.client = "ECS service " + text(services[0], "serviceName");
    add_all(scene.client_groups, list(network, "securityGroups"));
    add_all(scene.client_subnets, list(network, "subnets"));
  } else if (scene.has("lambda-function")) {
    const Json& function = scene.documents["lambda-function"];
    scene.client = "function " + text(function, "FunctionName");
    add_all(scene.client_groups, list(at(function, "VpcConfig"), "SecurityGroupIds"));
    add_all(scene.client_subnets, list(at(function, "VpcConfig"), "SubnetIds"));
    scene.client_vpc = text(at(function, "VpcConfig"), "VpcId");
  }
  for (const std::string& id : scene.client_subnets) {
    if (scene.client_vpc.empty()) scene.client_vpc = text(subnet(scene, id), "VpcId");
  }
}

void read_database(Scene& scene) {
  const Json& instances = list(scene.documents["rds-db-instances"], "DBInstances");
  if (instances.empty()) return;
  scene.database = instances[0];
  scene.database_vpc = text(at(scene.database, "DBSubnetGroup"), "VpcId");
  scene.port = number(at(scene.database, "Endpoint"), "Port", 5432);
  for (const Json& group : list(scene.database, "VpcSecurityGroups")) {
    scene.database_groups.insert(text(group, "VpcSecurityGroupId"));
  }
  for (const Json& one : list(at(scene.database, "DBSubnetGroup"), "Subnets")) {
    scene.database_subnets.insert(text(one, "SubnetIdentifier"));
  }
}

const Json& by_id(const Json& things, std::string_view key, const std::string& id) {
  static const Json nothing;
  for (const Json& one : things) {
    if (text(one, key) == id) return one;
  }
  return nothing;
}

}  // namespace

Scene read_scene(Documents documents, Expectation expected) {
  Scene scene;
  scene.documents = std::move(documents);
  scene.expected = std::move(expected);
  read_client(scene);
  read_database(scene);
  return scene;
}

const Json& security_group(const Scene& scene, const std::string& id) {
  return by_id(list(scene.documents["ec2-security-groups"], "SecurityGroups"), "GroupId", id);
}

const Json& subnet(const Scene& scene, const std::string& id) {
  return by_id(list(scene.documents["ec2-subnets"], "Subnets"), "SubnetId", id);
}

std::optional<config::Network> network_of(const Json& subnet) {
  std::string error;
  return config::parse_network(text(subnet, "CidrBlock"), error);
}

bool covers(const config::Network& outer, const config::Network& inner) {
  return outer.bits <= inner.bits && outer.contains(inner.address);
}

std::string joined(const std::set<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

}  // namespace pgweir::doctor
