// L01 to L03, L05 to L07: the server's name and the way to it.
#include <netdb.h>

#include <cerrno>
#include <cstring>

#include "proxy/doctor/live_probe.hpp"

namespace pgweir::doctor {
namespace {

void pass_names(Probe& probe) {
  std::vector<Evidence> evidence;
  bool is_public = false;
  for (const Address& address : probe.addresses) {
    evidence.push_back({"name lookup of " + probe.target.database.host, address.text});
    is_public = is_public || !address.is_private;
  }
  probe.report(passed("L01", "The name exists.", evidence));
  probe.report(passed("L02", "The name is resolved."));
  if (!is_public) return probe.report(passed("L03", "The address is a private one.", evidence));
  Finding found = warning("L03", "The name leads to a public address.", evidence,
                          {"aws rds modify-db-instance --db-instance-identifier DB --no-publicly-accessible",
                           "use the VPC's own resolver, or turn on DNS resolution for the peering"});
  found.causes = {"the database is publicly accessible, and this resolver is not that of its VPC"};
  probe.report(std::move(found));
}

Finding dropped(const Probe& probe, const std::vector<Evidence>& evidence) {
  Finding found = problem(
      "L05", "Connecting to " + probe.where() + " times out: packets are dropped, not refused.", evidence,
      {"aws ec2 authorize-security-group-ingress --group-id sg-DATABASE --protocol tcp --port " +
           std::to_string(probe.target.database.port) + " --source-group sg-PGWEIR",
       "pgweir doctor --from DIR tells which of these it is; --print-collect how to fill DIR"});
  found.causes = {"the database's security group does not admit this one",
                  "this side's security group lets nothing out there",
                  "a network ACL drops requests, or answers to ports 1024-65535",
                  "there is no route, or one into nothing",
                  "the database is stopped, or failing over",
                  "a burst of new network interfaces; trying again helps"};
  return found;
}

}  // namespace

bool resolve_name(Probe& probe) {
  const config::Database& database = probe.target.database;
  Names names = resolve(database.host, database.port, in(network_patience));
  const std::string where = "name lookup of " + database.host;
  if (names.error == EAI_NONAME || names.error == EAI_NODATA)
    return probe.stop(
        problem("L01", database.host + " does not exist.", {{where, ::gai_strerror(names.error)}},
                {"aws rds describe-db-instances --query 'DBInstances[].Endpoint'"}),
        "the name does not exist");
  if (names.timed_out || names.error != 0) {
    Finding found = problem("L02", "The name cannot be looked up.",
                            {{where, names.timed_out ? "no answer in 5 s" : ::gai_strerror(names.error)}},
                            {"aws ec2 modify-vpc-attribute --vpc-id VPC --enable-dns-support"});
    found.causes = {"the VPC's DNS support is off", "DHCP options name a resolver that does not answer",
                    "a network ACL drops port 53"};
    return probe.stop(std::move(found), "the name cannot be looked up");
  }
  probe.addresses = std::move(names.addresses);
  pass_names(probe);
  return true;
}

bool connect_tcp(Probe& probe) {
  std::vector<Evidence> evidence;
  int error = 0;
  for (const Address& address : probe.addresses) {
    error = probe.wire.connect(address, in(network_patience));
    evidence.push_back({"TCP to " + address.text, error == 0 ? "connected" : std::strerror(error)});
    if (error == 0) break;
  }
  if (error == 0) {
    for (const char* const id : {"L05", "L06", "L07"}) probe.report(passed(id, "TCP connects.", evidence));
    return true;
  }
  if (error == ETIMEDOUT) return probe.stop(dropped(probe, evidence), "connecting times out");
  if (error == ECONNREFUSED) {
    Finding found = problem(
        "L06",
        "The host answers, but nothing listens on port " + std::to_string(probe.target.database.port) + ".",
        evidence, {"aws rds describe-db-instances --query 'DBInstances[].Endpoint.Port'"});
    found.causes = {"another port than the database's", "the database is restarting"};
    return probe.stop(std::move(found), "connecting is refused");
  }
  return probe.stop(problem("L07", "There is no way to that address from here.", evidence,
                            {"look at this machine's own routes; on ECS the task needs networkMode awsvpc"}),
                    "there is no route");
}

}  // namespace pgweir::doctor
