#include "proxy/documents/static_checks.hpp"

#include <array>

namespace pgweir::doctor {
namespace {

constexpr std::array<Check, 22> checks{function_in_vpc,     same_vpc,           database_admits_client,
                                       admitted_by_address, client_may_speak,   same_port,
                                       network_acls,        routes_to_database, public_subnet,
                                       path_to_aws,         several_zones,      free_addresses,
                                       function_role,       may_connect_by_iam, database_parameters,
                                       publicly_accessible, database_available, function_state,
                                       load_balancer,       task_definition,    connection_budget,
                                       reserved_concurrency};

}  // namespace

std::vector<Finding> run_static_checks(const Scene& scene) {
  std::vector<Finding> findings;
  findings.reserve(checks.size());
  for (const Check check : checks) findings.push_back(check(scene));
  return findings;
}

std::string missing(const Scene& scene, std::initializer_list<std::string_view> documents) {
  std::string out;
  for (const std::string_view name : documents) {
    if (!scene.has(name)) out += (out.empty() ? "missing: " : ", ") + std::string(name) + ".json";
  }
  return out;
}

std::string missing_client(const Scene& scene) {
  if (!scene.client.empty()) return {};
  return "missing: ecs-services.json or lambda-function.json, which tell who connects";
}

std::string missing_database(const Scene& scene) {
  if (!scene.database.is_null()) return {};
  return "missing: rds-db-instances.json with a database in it";
}

}  // namespace pgweir::doctor
