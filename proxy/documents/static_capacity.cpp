// S11, S12, S21, S22: zones, addresses, connections.
#include "proxy/documents/instance_class.hpp"
#include "proxy/documents/static_checks.hpp"

namespace pgweir::doctor {
namespace {

// superuser_reserved_connections and rds.rds_superuser_reserved_connections.
constexpr std::int64_t reserved = 5;
constexpr std::int64_t addresses_min = 16;

struct Limit {
  std::int64_t connections = 0;  // 0: not known
  std::string source;
};

Limit max_connections(const Scene& scene) {
  for (const Json& parameter : list(scene.documents["rds-db-parameters"], "Parameters")) {
    if (text(parameter, "ParameterName") != "max_connections") continue;
    const std::int64_t value = number(parameter, "ParameterValue", 0);
    if (value > 0) return {value, "rds-db-parameters.json: max_connections"};
  }
  const std::string instance_class = text(scene.database, "DBInstanceClass");
  return {default_max_connections(instance_class), "RDS's default for " + instance_class};
}

}  // namespace

Finding several_zones(const Scene& scene) {
  std::string reason = missing(scene, {"ec2-subnets"});
  if (reason.empty()) reason = missing_client(scene);
  if (!reason.empty()) return not_evaluated("S11", reason);
  std::set<std::string> zones;
  for (const std::string& id : scene.client_subnets) {
    const std::string zone = text(subnet(scene, id), "AvailabilityZone");
    if (!zone.empty()) zones.insert(zone);
  }
  std::vector<Evidence> evidence{
      {"ec2-subnets.json: AvailabilityZone of the " + scene.client, joined(zones)}};
  if (zones.empty()) return not_evaluated("S11", "none of the client's subnets is in ec2-subnets.json");
  if (zones.size() < 2)
    return warning("S11", "All of the client's subnets are in one zone, whose failure takes it away.",
                   evidence, {"give it a subnet in another zone"});
  if (scene.database.is_null()) return passed("S11", "The client is in several zones.", evidence);
  evidence.push_back({"rds-db-instances.json: MultiAZ", text(scene.database, "MultiAZ")});
  if (flag(scene.database, "MultiAZ"))
    return passed("S11", "Client and database are in several zones.", evidence);
  return warning("S11", "The database is in one zone.", evidence,
                 {"aws rds modify-db-instance --db-instance-identifier " +
                  text(scene.database, "DBInstanceIdentifier") + " --multi-az"});
}

Finding free_addresses(const Scene& scene) {
  std::string reason = missing(scene, {"ec2-subnets"});
  if (reason.empty()) reason = missing_client(scene);
  if (!reason.empty()) return not_evaluated("S12", reason);
  std::vector<Evidence> few;
  for (const std::string& id : scene.client_subnets) {
    const std::int64_t left = number(subnet(scene, id), "AvailableIpAddressCount", addresses_min);
    if (left < addresses_min)
      few.push_back({"ec2-subnets.json: AvailableIpAddressCount of " + id, std::to_string(left)});
  }
  if (few.empty()) return passed("S12", "The client's subnets have addresses left.");
  return warning("S12",
                 "A subnet has hardly any addresses left: a deployment or a burst of functions may get none.",
                 few, {"use larger subnets, /24 or more"});
}

Finding connection_budget(const Scene& scene) {
  std::string reason = missing_database(scene);
  if (reason.empty()) reason = missing(scene, {"ecs-services"});
  if (reason.empty() && scene.expected.pool_size == 0)
    reason = "no configuration was given that tells the pools' size";
  const Limit limit = max_connections(scene);
  if (reason.empty() && limit.connections == 0)
    reason = "missing: rds-db-parameters.json, and no default is known for the instance class";
  if (reason.empty() && list(scene.documents["ecs-services"], "services").empty())
    reason = "ecs-services.json has no service";
  if (!reason.empty()) return not_evaluated("S21", reason);
  const Json& service = list(scene.documents["ecs-services"], "services")[0];
  const std::int64_t tasks = number(service, "desiredCount", 1);
  const std::int64_t percent = number(at(service, "deploymentConfiguration"), "maximumPercent", 200);
  const std::int64_t needed = scene.expected.pool_size * tasks * percent / 100;
  const std::int64_t usable = limit.connections - reserved;
  const std::vector<Evidence> evidence{
      {"pool size x tasks x maximumPercent", std::to_string(scene.expected.pool_size) + " x " +
                                                 std::to_string(tasks) + " x " + std::to_string(percent) +
                                                 " % = " + std::to_string(needed)},
      {limit.source + " less " + std::to_string(reserved) + " reserved", std::to_string(usable)}};
  if (needed <= usable)
    return passed("S21", "The pools fit into the database's connections, also while deploying.", evidence);
  return problem(
      "S21", "While deploying, the pools need more connections than the database has: 53300.", evidence,
      {"pool.max_size: " + std::to_string(std::max<std::int64_t>(1, usable * 100 / (tasks * percent)))});
}

Finding reserved_concurrency(const Scene& scene) {
  if (scene.has("ecs-services"))
    return passed("S22", "The functions do not connect to the database themselves.");
  std::string reason = missing_database(scene);
  if (reason.empty()) reason = missing(scene, {"lambda-concurrency"});
  const Limit limit = max_connections(scene);
  if (reason.empty() && limit.connections == 0)
    reason = "missing: rds-db-parameters.json, and no default is known for the instance class";
  if (!reason.empty()) return not_evaluated("S22", reason);
  const std::int64_t most = number(scene.documents["lambda-concurrency"], "ReservedConcurrentExecutions", 0);
  const std::int64_t usable = limit.connections - reserved;
  const std::vector<Evidence> evidence{
      {"lambda-concurrency.json: ReservedConcurrentExecutions", most == 0 ? "(none)" : std::to_string(most)},
      {limit.source + " less " + std::to_string(reserved) + " reserved", std::to_string(usable)}};
  if (most > 0 && most <= usable)
    return passed("S22", "Every environment of the function can have its connection.", evidence);
  return problem(
      "S22", "The function may run more environments than the database has connections.", evidence,
      {"put pgweir between them: docs/deploy-ecs.md",
       "aws lambda put-function-concurrency --function-name FUNCTION --reserved-concurrent-executions " +
           std::to_string(usable)});
}

}  // namespace pgweir::doctor
