// S15 to S17: the database itself.
#include "proxy/documents/static_checks.hpp"

namespace pgweir::doctor {
namespace {

const std::string& older_authority() {
  static const std::string name = "rds-ca-2019";
  return name;
}

std::string parameter(const Scene& scene, std::string_view name) {
  for (const Json& one : list(scene.documents["rds-db-parameters"], "Parameters")) {
    if (text(one, "ParameterName") == name) return text(one, "ParameterValue");
  }
  return {};
}

}  // namespace

Finding database_parameters(const Scene& scene) {
  if (const std::string reason = missing(scene, {"rds-db-parameters"}); !reason.empty())
    return not_evaluated("S15", reason);
  std::vector<Evidence> odd;
  std::vector<std::string> fixes;
  const std::string change =
      "aws rds modify-db-parameter-group --db-parameter-group-name GROUP --parameters ";
  if (parameter(scene, "rds.force_ssl") == "0") {
    odd.push_back({"rds-db-parameters.json: rds.force_ssl", "0: connections without TLS are taken"});
    fixes.push_back(change + "ParameterName=rds.force_ssl,ParameterValue=1,ApplyMethod=immediate");
  }
  const std::string idle = parameter(scene, "idle_in_transaction_session_timeout");
  if (idle.empty() || idle == "0" || idle == "86400000") {
    odd.push_back({"rds-db-parameters.json: idle_in_transaction_session_timeout",
                   (idle.empty() ? "not set" : idle) +
                       ": a transaction that nobody ends holds its connection for a day"});
    fixes.push_back(
        change +
        "ParameterName=idle_in_transaction_session_timeout,ParameterValue=300000,ApplyMethod=immediate");
  }
  for (const Json& group : list(scene.database, "DBParameterGroups")) {
    if (text(group, "ParameterApplyStatus") == "pending-reboot") {
      odd.push_back({"rds-db-instances.json: ParameterApplyStatus",
                     "pending-reboot: changed parameters do not count yet"});
      fixes.push_back("aws rds reboot-db-instance --db-instance-identifier " +
                      text(scene.database, "DBInstanceIdentifier"));
    }
  }
  if (odd.empty()) return passed("S15", "The parameters demand TLS and end forgotten transactions.");
  return warning("S15", "Parameters of the database are worth a look.", odd, fixes);
}

Finding publicly_accessible(const Scene& scene) {
  if (const std::string reason = missing_database(scene); !reason.empty())
    return not_evaluated("S16", reason);
  const bool is_public = flag(scene.database, "PubliclyAccessible");
  const std::vector<Evidence> evidence{
      {"rds-db-instances.json: PubliclyAccessible", is_public ? "true" : "false"}};
  if (!is_public) return passed("S16", "The database has no public address.", evidence);
  return warning("S16",
                 "The database has a public address; outside of its VPC its name resolves to that, and "
                 "connecting from a "
                 "private subnet times out.",
                 evidence,
                 {"aws rds modify-db-instance --db-instance-identifier " +
                  text(scene.database, "DBInstanceIdentifier") + " --no-publicly-accessible"});
}

Finding database_available(const Scene& scene) {
  if (const std::string reason = missing_database(scene); !reason.empty())
    return not_evaluated("S17", reason);
  const std::string status = text(scene.database, "DBInstanceStatus");
  const std::string authority = text(scene.database, "CACertificateIdentifier");
  const std::vector<Evidence> evidence{{"rds-db-instances.json: DBInstanceStatus", status},
                                       {"rds-db-instances.json: CACertificateIdentifier", authority}};
  const std::string name = text(scene.database, "DBInstanceIdentifier");
  if (status == "stopped" || status == "stopping")
    return problem("S17", "The database is stopped.", evidence,
                   {"aws rds start-db-instance --db-instance-identifier " + name});
  if (status != "available")
    return problem("S17", "The database is not available at the moment.", evidence,
                   {"aws rds wait db-instance-available --db-instance-identifier " + name});
  if (authority == older_authority())
    return problem("S17", "The database's certificate is of an authority that expired in 2024.", evidence,
                   {"aws rds modify-db-instance --db-instance-identifier " + name +
                    " --ca-certificate-identifier rds-ca-rsa2048-g1 --apply-immediately"});
  return passed("S17", "The database is available.", evidence);
}

}  // namespace pgweir::doctor
