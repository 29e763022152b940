// L23 to L30: AWS's own services, the process's limits, and the way through the load balancer.
#include <sys/resource.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>

#include "config/validate.hpp"
#include "protocol/startup.hpp"
#include "proxy/doctor/live_probe.hpp"

namespace pgweir::doctor {
namespace {

using namespace std::chrono_literals;
constexpr auto patience = 5s;

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string() : value;
}

struct Endpoint {
  std::string host;
  std::uint16_t port = 0;
};

Endpoint endpoint_of(std::string_view text, std::uint16_t otherwise) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || text.find(']', colon) != std::string_view::npos)
    return {std::string(text), otherwise};
  std::uint16_t port = 0;
  std::from_chars(text.data() + colon + 1, text.data() + text.size(), port);
  return {std::string(text.substr(0, colon)), port};
}

// https://host:port/path, as in the SDKs' AWS_ENDPOINT_URL_...
Endpoint endpoint_of_url(std::string_view url) {
  const bool tls = url.starts_with("https://");
  const std::size_t begin = url.find("://");
  std::string_view rest = begin == std::string_view::npos ? url : url.substr(begin + 3);
  rest = rest.substr(0, rest.find('/'));
  return endpoint_of(rest, tls ? 443 : 80);
}

struct Reached {
  bool known = false;
  bool is_private = false;
  int error = 0;
  std::string address;
};

Reached reach(const Endpoint& endpoint) {
  const Names names = resolve(endpoint.host, endpoint.port, in(patience));
  if (names.addresses.empty()) return {};
  Wire wire;
  const int error = wire.connect(names.addresses.front(), in(patience));
  return {true, names.addresses.front().is_private, error, names.addresses.front().text};
}

struct Service {
  const char* name;
  const char* variable;
};

void look_for_services(Probe& probe) {
  const std::string region = variable("AWS_REGION");
  std::vector<Evidence> open;
  Finding dropped_public = passed("L23", "AWS's services can be reached."),
          dropped_private = passed("L24", "AWS's services can be reached.");
  for (const Service& service : {Service{"secretsmanager", "AWS_ENDPOINT_URL_SECRETS_MANAGER"},
                                 Service{"sts", "AWS_ENDPOINT_URL_STS"}}) {
    const std::string url = variable(service.variable);
    if (url.empty() && region.empty()) {
      for (const char* const id : {"L23", "L24"})
        probe.report(not_evaluated(id, "AWS_REGION is not set, so the services' names are not known"));
      return;
    }
    const Endpoint endpoint = url.empty()
                                  ? Endpoint{std::string(service.name) + "." + region + ".amazonaws.com", 443}
                                  : endpoint_of_url(url);
    const Reached reached = reach(endpoint);
    const std::vector<Evidence> evidence{
        {"TCP to " + endpoint.host + ":" + std::to_string(endpoint.port),
         reached.known
             ? reached.address + ": " + (reached.error == 0 ? "connected" : std::strerror(reached.error))
             : "the name is not resolved"}};
    if (reached.known && reached.error == 0) continue;
    if (reached.known && reached.is_private) {
      dropped_private =
          problem("L24", "The endpoint of " + std::string(service.name) + " does not answer.", evidence,
                  {"aws ec2 authorize-security-group-ingress --group-id sg-ENDPOINT --protocol tcp --port "
                   "443 --source-group sg-PGWEIR"});
    } else {
      dropped_public =
          problem("L23",
                  std::string(service.name) +
                      " cannot be reached: there is neither a NAT gateway nor an endpoint in this VPC.",
                  evidence,
                  {"aws ec2 create-vpc-endpoint --vpc-endpoint-type Interface --private-dns-enabled --vpc-id "
                   "VPC --service-name com.amazonaws.REGION." +
                   std::string(service.name) + " --subnet-ids subnet-... --security-group-ids sg-..."});
    }
  }
  probe.report(std::move(dropped_public));
  probe.report(std::move(dropped_private));
}

void look_for_credentials(Probe& probe) {
  const std::string relative = variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  const std::string full = variable("AWS_CONTAINER_CREDENTIALS_FULL_URI");
  if (relative.empty() && full.empty()) {
    if (variable("ECS_CONTAINER_METADATA_URI_V4").empty())
      return probe.report(not_evaluated("L28", "this is no task of ECS"));
    return probe.report(problem("L28", "The task has no role of its own.",
                                {{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "not set"}},
                                {"taskRoleArn in the task definition; executionRoleArn is another role"}));
  }
  const Endpoint endpoint = full.empty() ? Endpoint{"169.254.170.2", 80} : endpoint_of_url(full);
  const Reached reached = reach(endpoint);
  const std::vector<Evidence> evidence{
      {"TCP to " + endpoint.host + ":" + std::to_string(endpoint.port),
       reached.error == 0 && reached.known ? "connected" : std::strerror(reached.error)}};
  if (reached.known && reached.error == 0)
    return probe.report(passed("L28", "The task's role can be asked for.", evidence));
  probe.report(problem("L28", "The task's role cannot be asked for.", evidence,
                       {"networkMode awsvpc in the task definition"}));
}

void look_at_limits(Probe& probe) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const auto problems = config::check_descriptors(probe.target.settings, limit.rlim_max);
  const std::vector<Evidence> evidence{
      {"RLIMIT_NOFILE, hard", std::to_string(limit.rlim_max)},
      {"configuration: listen.max_clients", std::to_string(probe.target.settings.listen.max_clients)}};
  if (problems.empty()) return probe.report(passed("L29", "There are descriptors enough.", evidence));
  probe.report(
      warning("L29", problems.front().message, evidence,
              {"ulimits in the task definition: {name: nofile, softLimit: 65535, hardLimit: 65535}"}));
}

// Whether pgweir answers an SSLRequest there. Through a balancer with the PROXY protocol the balancer adds
// the header.
std::string answer_of(const Endpoint& endpoint) {
  const Names names = resolve(endpoint.host, endpoint.port, in(patience));
  if (names.addresses.empty()) return "the name is not resolved";
  Wire wire;
  if (const int error = wire.connect(names.addresses.front(), in(patience)); error != 0)
    return std::strerror(error);
  ByteBuffer request;
  ByteBuffer answer;
  write_ssl_request(request);
  const Deadline deadline = in(patience);
  if (!wire.write(request, deadline) || !wire.read(answer, deadline))
    return wire.timed_out() ? "no answer in 5 s" : "the connection is closed";
  return answer.front() == 'S' || answer.front() == 'N' ? "" : "another answer than PostgreSQL's";
}

void try_through(Probe& probe) {
  if (probe.target.through.empty())
    return probe.report(not_evaluated("L30", "no balancer was given (--through HOST:PORT)"));
  const std::string far = answer_of(endpoint_of(probe.target.through, 5432));
  if (far.empty()) return probe.report(passed("L30", "pgweir answers through " + probe.target.through + "."));
  Finding found = problem("L30", "pgweir does not answer through " + probe.target.through + ".",
                          {{"through the balancer", far}},
                          {"aws elbv2 describe-target-health --target-group-arn TARGET_GROUP"});
  found.causes = {"no target is healthy", "the balancer's security group does not admit this one",
                  "a zone without a healthy task, and cross-zone balancing is off",
                  "preserve_client_ip: a task cannot reach itself through its balancer"};
  probe.report(std::move(found));
}

}  // namespace

void look_around(Probe& probe) {
  look_for_services(probe);
  for (const char* const id : {"L25", "L26", "L27"})
    probe.report(not_evaluated(id, "needs a signed request to AWS, which the doctor does not make"));
  look_for_credentials(probe);
  look_at_limits(probe);
  try_through(probe);
}

}  // namespace pgweir::doctor
