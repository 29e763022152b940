// L23, L24 and L28: whether AWS can be asked from here, and by whom.
#include <algorithm>
#include <cstdlib>

#include "proxy/doctor/endpoint.hpp"
#include "proxy/doctor/live_probe.hpp"

namespace pgweir::doctor {
namespace {

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string() : value;
}

// The services that pgweir asks with this configuration.
std::vector<aws::Service> services_of(const config::Settings& settings) {
  const auto any = [&](auto wants) {
    return std::any_of(settings.users.begin(), settings.users.end(),
                       [&](const auto& each) { return wants(each.second); });
  };
  std::vector<aws::Service> services;
  if (any([](const config::User& user) { return !user.secret.empty(); }))
    services.push_back(aws::Service::secretsmanager);
  if (any([](const config::User& user) { return !user.ssm_parameter.empty(); }))
    services.push_back(aws::Service::ssm);
  const bool by_web_identity = !variable("AWS_WEB_IDENTITY_TOKEN_FILE").empty() && signs_requests(settings);
  if (by_web_identity || any([](const config::User& user) { return !user.iam_roles.empty(); }))
    services.push_back(aws::Service::sts);
  return services;
}

Finding no_way_out(const std::string& service, const std::string& region, const Evidence& evidence) {
  return problem("L23",
                 service + " cannot be reached: there is neither a NAT gateway nor an endpoint in this VPC.",
                 {evidence},
                 {"aws ec2 create-vpc-endpoint --vpc-endpoint-type Interface --private-dns-enabled --vpc-id "
                  "VPC --service-name com.amazonaws." +
                  region + "." + service + " --subnet-ids subnet-... --security-group-ids sg-..."});
}

Finding dead_endpoint(const std::string& service, const Evidence& evidence) {
  return problem("L24", "The endpoint of " + service + " does not answer.", {evidence},
                 {"aws ec2 authorize-security-group-ingress --group-id sg-ENDPOINT --protocol tcp --port "
                  "443 --source-group sg-PGWEIR"});
}

}  // namespace

void look_for_services(Probe& probe) {
  const config::Settings& settings = probe.target.settings;
  const std::vector<aws::Service> services = services_of(settings);
  std::vector<Evidence> reached;
  for (const char* const id : {"L23", "L24"})
    probe.report(not_evaluated(id, "by this configuration no service of AWS is asked"));
  if (services.empty()) return;
  for (const aws::Service service : services) {
    const std::string url = aws::endpoint_of(service, settings.aws);
    const Reached one = reach(endpoint_of_url(url), in(network_patience));
    reached.push_back(one.evidence());
    const std::string name(aws::name_of(service));
    if (!one.is_well() && one.known && one.is_private) probe.report(dead_endpoint(name, one.evidence()));
    if (!one.is_well() && !(one.known && one.is_private))
      probe.report(no_way_out(name, settings.aws.region, one.evidence()));
  }
  for (const char* const id : {"L23", "L24"}) {
    if (probe.findings.at(id).verdict == Verdict::not_evaluated)
      probe.report(passed(id, "AWS's services can be reached.", reached));
  }
}

void look_for_credentials(Probe& probe) {
  const std::string relative = variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  const std::string full = variable("AWS_CONTAINER_CREDENTIALS_FULL_URI");
  const bool signs = signs_requests(probe.target.settings);
  if (signs && probe.aws().signer().credentials) {
    const Identity& who = probe.aws().identity();
    return probe.report(passed(
        "L28", "There are credentials.",
        {{"access key", probe.aws().signer().credentials->access_key_id},
         {"sts GetCallerIdentity", who.arn.empty() ? "not told: " + who.answer.failure.message : who.arn}}));
  }
  const bool has_role = !relative.empty() || !full.empty();
  if (!has_role && !variable("ECS_CONTAINER_METADATA_URI_V4").empty())
    return probe.report(problem("L28", "The task has no role of its own.",
                                {{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "not set"}},
                                {"taskRoleArn in the task definition; executionRoleArn is another role"}));
  if (signs) {
    Finding found = problem("L28", "There are no credentials to ask AWS with.",
                            {{"credentials", probe.aws().signer().error}},
                            {"ECS: taskRoleArn in the task definition; EC2: an instance profile; elsewhere "
                             "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"});
    found.causes = {"this process has no role", "what hands out its credentials cannot be reached",
                    "a profile, token or variable that was meant for somebody else"};
    return probe.report(std::move(found));
  }
  if (!has_role) return probe.report(not_evaluated("L28", "this is not a task of ECS"));
  const Reached reached =
      reach(full.empty() ? Endpoint{"169.254.170.2", 80} : endpoint_of_url(full), in(network_patience));
  if (reached.is_well())
    return probe.report(passed("L28", "The task's role can be asked for.", {reached.evidence()}));
  probe.report(problem("L28", "The task's role cannot be asked for.", {reached.evidence()},
                       {"networkMode awsvpc in the task definition"}));
}

}  // namespace pgweir::doctor
