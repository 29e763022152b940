// S18 to S20: the function, the load balancer, the task.
#include <algorithm>

#include "proxy/documents/static_checks.hpp"

namespace pgweir::doctor {
namespace {

std::string attribute(const Json& document, std::string_view key) {
  for (const Json& one : list(document, "Attributes")) {
    if (text(one, "Key") == key) return text(one, "Value");
  }
  return {};
}

std::int64_t as_number(const std::string& value, std::int64_t otherwise) {
  return number(Json{{"value", value}}, "value", otherwise);
}

// pgweir's default of timeouts.client_idle, in seconds.
constexpr std::int64_t idle_flow_min = 1800;

void look_at_attributes(const Scene& scene, std::vector<Evidence>& odd, std::vector<std::string>& fixes) {
  const std::string idle =
      attribute(scene.documents["elbv2-listener-attributes"], "tcp.idle_timeout.seconds");
  if (scene.has("elbv2-listener-attributes") && as_number(idle, 350) <= idle_flow_min) {
    odd.push_back({"elbv2-listener-attributes.json: tcp.idle_timeout.seconds",
                   (idle.empty() ? "350 (default)" : idle) +
                       ": flows are forgotten before pgweir closes idle clients"});
    fixes.push_back(
        "aws elbv2 modify-listener-attributes --listener-arn LISTENER --attributes "
        "Key=tcp.idle_timeout.seconds,Value=6000");
  }
  if (!scene.has("elbv2-target-group-attributes")) return;
  const Json& group = scene.documents["elbv2-target-group-attributes"];
  if (attribute(group, "proxy_protocol_v2.enabled") != "true") {
    odd.push_back({"elbv2-target-group-attributes.json: proxy_protocol_v2.enabled",
                   "false: every client seems to be the balancer; listen.proxy_protocol must then be off"});
    fixes.push_back(
        "aws elbv2 modify-target-group-attributes --target-group-arn TARGET_GROUP --attributes "
        "Key=proxy_protocol_v2.enabled,Value=true");
  }
  if (attribute(group, "preserve_client_ip.enabled") == "true")
    odd.push_back({"elbv2-target-group-attributes.json: preserve_client_ip.enabled",
                   "true: a client cannot reach a task on its own host"});
  if (attribute(group, "load_balancing.cross_zone.enabled") == "false")
    odd.push_back({"elbv2-target-group-attributes.json: load_balancing.cross_zone.enabled",
                   "false: a zone without a healthy task serves nobody"});
}

const Json& container(const Scene& scene) {
  static const Json nothing;
  const Json& all =
      list(at(scene.documents["ecs-task-definition"], "taskDefinition"), "containerDefinitions");
  return all.empty() ? nothing : all[0];
}

}  // namespace

Finding function_state(const Scene& scene) {
  if (const std::string reason = missing(scene, {"lambda-function"}); !reason.empty())
    return not_evaluated("S18", reason);
  const Json& function = scene.documents["lambda-function"];
  const std::string state = text(function, "State");
  const std::string update = text(function, "LastUpdateStatus");
  const std::vector<Evidence> evidence{
      {"lambda-function.json: State", state + " " + text(function, "StateReasonCode")},
      {"lambda-function.json: LastUpdateStatus", update}};
  if (state.empty()) return not_evaluated("S18", "lambda-function.json says nothing of a state");
  if (state == "Active" && update != "Failed") return passed("S18", "The function is active.", evidence);
  if (state == "Inactive")
    return warning(
        "S18",
        "The function was idle for weeks and has lost its network interfaces; the next invocation fails "
        "and brings them back.",
        evidence, {"aws lambda invoke --function-name FUNCTION /dev/null"});
  return problem("S18", "The function cannot run: " + text(function, "StateReason"), evidence,
                 {"aws lambda wait function-active-v2 --function-name FUNCTION"});
}

Finding load_balancer(const Scene& scene) {
  if (const std::string reason = missing(scene, {"elbv2-load-balancers", "elbv2-target-health"});
      !reason.empty())
    return not_evaluated("S19", reason);
  std::vector<Evidence> odd;
  std::vector<std::string> fixes;
  std::size_t healthy = 0;
  for (const Json& target : list(scene.documents["elbv2-target-health"], "TargetHealthDescriptions")) {
    const Json& health = at(target, "TargetHealth");
    if (text(health, "State") == "healthy") {
      ++healthy;
    } else {
      odd.push_back({"elbv2-target-health.json: " + text(at(target, "Target"), "Id"),
                     text(health, "State") + " " + text(health, "Reason")});
    }
  }
  for (const Json& balancer : list(scene.documents["elbv2-load-balancers"], "LoadBalancers")) {
    if (list(balancer, "SecurityGroups").empty()) {
      odd.push_back(
          {"elbv2-load-balancers.json: SecurityGroups", "none: everybody who reaches it is let in"});
      fixes.push_back("make a new balancer; security groups can only be given when it is made");
    }
  }
  look_at_attributes(scene, odd, fixes);
  if (healthy == 0)
    return problem(
        "S19", "No target is healthy.", odd,
        {"look at the task's log; and the balancer's security group needs a rule to the tasks' port 9127"});
  if (odd.empty()) return passed("S19", "The balancer and its targets are well.");
  return warning("S19", "The balancer is worth a look.", odd, fixes);
}

Finding task_definition(const Scene& scene) {
  if (const std::string reason = missing(scene, {"ecs-task-definition"}); !reason.empty())
    return not_evaluated("S20", reason);
  std::vector<Evidence> odd;
  const std::int64_t stop = number(container(scene), "stopTimeout", 30);
  const std::string delay =
      attribute(scene.documents["elbv2-target-group-attributes"], "deregistration_delay.timeout_seconds");
  if (text(at(scene.documents["ecs-task-definition"], "taskDefinition"), "taskRoleArn").empty())
    odd.push_back({"ecs-task-definition.json: taskRoleArn",
                   "none: secrets and IAM need one; executionRoleArn is another role"});
  if (!delay.empty() && stop <= as_number(delay, 300))
    odd.push_back({"ecs-task-definition.json: stopTimeout",
                   std::to_string(stop) + ", not above the deregistration delay of " + delay});
  if (at(container(scene), "healthCheck").is_null())
    odd.push_back({"ecs-task-definition.json: healthCheck", "none"});
  const Json& limits = list(container(scene), "ulimits");
  const bool has_files = std::any_of(limits.begin(), limits.end(),
                                     [](const Json& limit) { return text(limit, "name") == "nofile"; });
  if (!has_files)
    odd.push_back({"ecs-task-definition.json: ulimits", "no nofile; each client needs a descriptor"});
  if (odd.empty()) return passed("S20", "The task definition is as it should be.");
  return warning("S20", "The task definition is worth a look.", odd,
                 {"deploy/ecs/service-nlb.yaml has all of this"});
}

}  // namespace pgweir::doctor
