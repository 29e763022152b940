// L29 and L30: the process's limits, and the way through the load balancer.
#include <sys/resource.h>

#include <cstring>

#include "config/validate.hpp"
#include "protocol/startup.hpp"
#include "proxy/doctor/endpoint.hpp"
#include "proxy/doctor/live_probe.hpp"

namespace pgweir::doctor {
namespace {

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
  const Names names = resolve(endpoint.host, endpoint.port, in(network_patience));
  if (names.addresses.empty()) return "the name is not resolved";
  Wire wire;
  if (const int error = wire.connect(names.addresses.front(), in(network_patience)); error != 0)
    return std::strerror(error);
  ByteBuffer request;
  ByteBuffer answer;
  write_ssl_request(request);
  const Deadline deadline = in(network_patience);
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
  ask_aws(probe);
  look_for_credentials(probe);
  look_at_limits(probe);
  try_through(probe);
  look_at_networks(probe);
}

}  // namespace pgweir::doctor
