#include "proxy/documents/documents.hpp"

#include <array>
#include <filesystem>
#include <fstream>

namespace pgweir::doctor {
namespace {

constexpr std::array<Collected, 25> all{{
    {"rds-db-instances", "rds describe-db-instances --db-instance-identifier DB"},
    {"rds-db-parameters", "rds describe-db-parameters --db-parameter-group-name GROUP"},
    {"lambda-function", "lambda get-function-configuration --function-name FUNCTION"},
    {"lambda-concurrency", "lambda get-function-concurrency --function-name FUNCTION"},
    {"ec2-security-groups", "ec2 describe-security-groups --filters Name=vpc-id,Values=VPC"},
    {"ec2-subnets", "ec2 describe-subnets --filters Name=vpc-id,Values=VPC"},
    {"ec2-route-tables", "ec2 describe-route-tables --filters Name=vpc-id,Values=VPC"},
    {"ec2-network-acls", "ec2 describe-network-acls --filters Name=vpc-id,Values=VPC"},
    {"ec2-vpc-endpoints", "ec2 describe-vpc-endpoints --filters Name=vpc-id,Values=VPC"},
    {"ec2-nat-gateways", "ec2 describe-nat-gateways --filter Name=vpc-id,Values=VPC"},
    {"ec2-vpc-peering-connections", "ec2 describe-vpc-peering-connections"},
    {"iam-attached-policies", "iam list-attached-role-policies --role-name FUNCTION_ROLE"},
    {"iam-role-policy", "iam get-role-policy --role-name FUNCTION_ROLE --policy-name POLICY"},
    {"iam-policy-version", "iam get-policy-version --policy-arn POLICY_ARN --version-id v1"},
    {"iam-task-role-policy", "iam get-role-policy --role-name TASK_ROLE --policy-name POLICY"},
    {"ecs-services", "ecs describe-services --cluster CLUSTER --services SERVICE"},
    {"ecs-task-definition", "ecs describe-task-definition --task-definition TASK_DEFINITION"},
    {"elbv2-load-balancers", "elbv2 describe-load-balancers --load-balancer-arns BALANCER"},
    {"elbv2-target-groups", "elbv2 describe-target-groups --load-balancer-arn BALANCER"},
    {"elbv2-target-health", "elbv2 describe-target-health --target-group-arn TARGET_GROUP"},
    {"elbv2-listener-attributes", "elbv2 describe-listener-attributes --listener-arn LISTENER"},
    {"elbv2-target-group-attributes",
     "elbv2 describe-target-group-attributes --target-group-arn TARGET_GROUP"},
    {"ec2-vpc-dns-support", "ec2 describe-vpc-attribute --vpc-id VPC --attribute enableDnsSupport"},
    {"ec2-vpc-dns-hostnames", "ec2 describe-vpc-attribute --vpc-id VPC --attribute enableDnsHostnames"},
    {"secretsmanager-secret", "secretsmanager describe-secret --secret-id SECRET"},
}};

}  // namespace

std::span<const Collected> collection() {
  return all;
}

Documents Documents::read(const std::string& directory, std::vector<std::string>& problems) {
  Documents documents;
  for (const Collected& one : all) {
    const auto path = std::filesystem::path(directory) / (std::string(one.name) + ".json");
    std::ifstream file(path);
    if (!file) continue;
    Json document = Json::parse(file, nullptr, false);
    if (document.is_discarded()) {
      problems.push_back(path.string() + ": is no JSON");
    } else {
      documents.add(std::string(one.name), std::move(document));
    }
  }
  return documents;
}

const Json& Documents::operator[](std::string_view name) const {
  static const Json nothing;
  const auto found = documents_.find(name);
  return found == documents_.end() ? nothing : found->second;
}

}  // namespace pgweir::doctor
