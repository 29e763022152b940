// S13 and S14: what roles may do.
#include <array>

#include "proxy/documents/policy.hpp"
#include "proxy/documents/static_checks.hpp"

namespace pgweir::doctor {
namespace {

std::vector<Json> function_policies(const Scene& scene) {
  return {at(scene.documents["iam-role-policy"], "PolicyDocument"),
          at(at(scene.documents["iam-policy-version"], "PolicyVersion"), "Document")};
}

// arn:aws:rds:eu-west-1:111122223333:db:app
struct DatabaseArn {
  std::string partition, region, account;
};
DatabaseArn parts_of(const std::string& arn) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at <= arn.size();) {
    const std::size_t end = std::min(arn.find(':', at), arn.size());
    parts.push_back(arn.substr(at, end - at));
    at = end + 1;
  }
  parts.resize(6);
  return {parts[1], parts[3], parts[4]};
}

}  // namespace

Finding function_role(const Scene& scene) {
  if (const std::string reason = missing(scene, {"iam-attached-policies"}); !reason.empty())
    return not_evaluated("S13", reason);
  for (const Json& policy : list(scene.documents["iam-attached-policies"], "AttachedPolicies")) {
    const std::string arn = text(policy, "PolicyArn");
    if (arn.ends_with("/AWSLambdaVPCAccessExecutionRole"))
      return passed("S13", "The function's role may make network interfaces.",
                    {{"iam-attached-policies.json: PolicyArn", arn}});
  }
  constexpr std::array needed{"ec2:CreateNetworkInterface",   "ec2:DescribeNetworkInterfaces",
                              "ec2:DescribeSubnets",          "ec2:DeleteNetworkInterface",
                              "ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses"};
  std::vector<Evidence> lacking;
  for (const char* const action : needed) {
    if (!allows(function_policies(scene), action, "*"))
      lacking.push_back({"no policy that was collected allows", action});
  }
  if (lacking.empty()) return passed("S13", "The function's role may make network interfaces.");
  return problem(
      "S13", "The function's role may not make network interfaces: it cannot be created or changed in a VPC.",
      lacking,
      {"aws iam attach-role-policy --role-name FUNCTION_ROLE --policy-arn "
       "arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole"});
}

Finding may_connect_by_iam(const Scene& scene) {
  std::string reason = missing_database(scene);
  if (reason.empty()) reason = missing(scene, {"iam-task-role-policy"});
  if (reason.empty() && scene.expected.user.empty()) reason = "no database user was given (--user)";
  if (!reason.empty()) return not_evaluated("S14", reason + "; needed for IAM towards the database only");
  const DatabaseArn arn = parts_of(text(scene.database, "DBInstanceArn"));
  const std::string resource = "arn:" + arn.partition + ":rds-db:" + arn.region + ":" + arn.account +
                               ":dbuser:" + text(scene.database, "DbiResourceId") + "/" + scene.expected.user;
  const bool enabled = flag(scene.database, "IAMDatabaseAuthenticationEnabled");
  const bool allowed =
      allows({at(scene.documents["iam-task-role-policy"], "PolicyDocument")}, "rds-db:connect", resource);
  const std::vector<Evidence> evidence{
      {"rds-db-instances.json: IAMDatabaseAuthenticationEnabled", enabled ? "true" : "false"},
      {"iam-task-role-policy.json: rds-db:connect on " + resource, allowed ? "allowed" : "not allowed"}};
  if (enabled && allowed)
    return passed("S14", "The task's role may log in to the database by IAM.", evidence);
  std::vector<std::string> fixes;
  if (!enabled)
    fixes.push_back("aws rds modify-db-instance --db-instance-identifier " +
                    text(scene.database, "DBInstanceIdentifier") + " --enable-iam-database-authentication");
  if (!allowed) fixes.push_back("allow rds-db:connect on " + resource + " in the task's role");
  return warning("S14", "Logging in to the database by IAM would fail; this matters if no password is used.",
                 evidence, fixes);
}

}  // namespace pgweir::doctor
