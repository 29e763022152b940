// L04: whether the server is in this VPC. Who can tell depends on where this runs: EC2's metadata service
// knows all address blocks of the VPC (Amazon EC2 User Guide, "Instance metadata categories"), a task of ECS
// is told its own subnet (Amazon ECS Developer Guide, "Task metadata endpoint version 4"), and a function is
// told nothing.
#include <algorithm>
#include <cstdlib>
#include <sstream>

#include "config/network.hpp"
#include "proxy/aws/json.hpp"
#include "proxy/doctor/live_probe.hpp"

namespace pgweir::doctor {
namespace {

// As in the SDKs, a metadata service that does not exist must not be waited for.
constexpr std::chrono::milliseconds metadata_timeout{1'000};

std::string environment_variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string() : value;
}

aws::HttpReply get(Probe& probe, std::string url, const std::string& token = {}) {
  aws::HttpRequest request;
  request.url = std::move(url);
  if (!token.empty()) request.headers = {{"X-aws-ec2-metadata-token", token}};
  request.timeout = metadata_timeout;
  return probe.aws().fetch(std::move(request));
}

// The CIDR blocks of the first interface, one on a line. Empty: this is not an EC2 instance, or the metadata
// service may not be asked.
std::string vpc_blocks(Probe& probe) {
  if (environment_variable("AWS_EC2_METADATA_DISABLED") == "true") return {};
  const std::string base = aws::endpoint_of(aws::Service::imds, probe.target.settings.aws) + "/latest/";
  aws::HttpRequest request;
  request.method = "PUT";
  request.url = base + "api/token";
  request.headers = {{"X-aws-ec2-metadata-token-ttl-seconds", "60"}};
  request.timeout = metadata_timeout;
  const aws::HttpReply token = probe.aws().fetch(std::move(request));
  if (token.status != 200 || token.body.find_first_of("\r\n") != std::string::npos) return {};
  const aws::HttpReply mac = get(probe, base + "meta-data/mac", token.body);
  if (mac.status != 200 || mac.body.find_first_not_of("0123456789abcdef:") != std::string::npos) return {};
  const aws::HttpReply blocks = get(
      probe, base + "meta-data/network/interfaces/macs/" + mac.body + "/vpc-ipv4-cidr-blocks", token.body);
  return blocks.status == 200 ? blocks.body : std::string();
}

// The block of this task's subnet; empty: this is not a task with an interface of its own.
std::string task_subnet(Probe& probe) {
  const std::string uri = environment_variable("ECS_CONTAINER_METADATA_URI_V4");
  if (uri.empty()) return {};
  const aws::HttpReply reply = get(probe, uri);
  std::string error;
  const auto document = reply.status == 200 ? aws::parse_json(reply.body, error) : std::nullopt;
  const nlohmann::json* const networks = document ? aws::member(*document, "Networks") : nullptr;
  if (networks == nullptr || !networks->is_array() || networks->empty()) return {};
  return aws::text_at(networks->front(), "IPv4SubnetCIDRBlock");
}

bool is_within(const std::string& blocks, const std::vector<Address>& addresses) {
  std::istringstream lines(blocks);
  std::string error;
  for (std::string line; lines >> line;) {
    const auto network = config::parse_network(line, error);
    const bool holds = network && std::any_of(addresses.begin(), addresses.end(), [&](const Address& one) {
                         const auto address = config::parse_address(one.text);
                         return address && network->contains(*address);
                       });
    if (holds) return true;
  }
  return false;
}

bool found_no_way(const Probe& probe) {
  return std::any_of(probe.findings.begin(), probe.findings.end(), [](const auto& each) {
    return each.second.verdict == Verdict::problem && (each.first == "L05" || each.first == "L07");
  });
}

Finding judge(const Probe& probe, const std::string& blocks, const std::vector<Evidence>& evidence) {
  if (is_within(blocks, probe.addresses)) return passed("L04", "The address is one of this VPC.", evidence);
  if (!found_no_way(probe))
    return passed("L04", "The address is outside of this VPC, and there is a way to it.", evidence);
  Finding found = problem(
      "L04", "The address is outside of this VPC, and there is no way to it.", evidence,
      {"aws ec2 create-vpc-peering-connection --vpc-id VPC --peer-vpc-id VPC_OF_DATABASE",
       "aws ec2 create-route --route-table-id RTB --destination-cidr-block BLOCK --vpc-peering-connection-id "
       "PCX, in both VPCs",
       "a rule by address in the database's security group: groups work over peering within a region only"});
  found.causes = {"the database is in another VPC"};
  return found;
}

}  // namespace

void look_at_networks(Probe& probe) {
  if (probe.addresses.empty()) return;
  std::string addresses;
  for (const Address& one : probe.addresses) addresses += (addresses.empty() ? "" : ", ") + one.text;
  std::vector<Evidence> evidence{{"name lookup of " + probe.target.database.host, addresses}};
  if (const std::string blocks = vpc_blocks(probe); !blocks.empty()) {
    evidence.push_back({"metadata of EC2: vpc-ipv4-cidr-blocks", blocks});
    return probe.report(judge(probe, blocks, evidence));
  }
  const std::string subnet = task_subnet(probe);
  if (is_within(subnet, probe.addresses)) {
    evidence.push_back({"metadata of ECS: IPv4SubnetCIDRBlock", subnet});
    return probe.report(passed("L04", "The address is in this task's own subnet.", evidence));
  }
  if (!subnet.empty())
    return probe.report(not_evaluated(
        "L04", "the address is outside of this task's subnet (" + subnet +
                   "), and a task is not told the other blocks of its VPC; S02 and S08 judge them"));
  probe.report(
      not_evaluated("L04",
                    "nothing here tells this VPC's address blocks: EC2's metadata service would, a task "
                    "of ECS knows its subnet only; S02 and S08 judge them"));
}

}  // namespace pgweir::doctor
