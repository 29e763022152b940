// L14 to L16, for users whose secret is in AWS, and for databases with logins by IAM.
#include "protocol/sqlstate.hpp"
#include "proxy/aws/rds_token.hpp"
#include "proxy/doctor/live_login.hpp"
#include "proxy/doctor/signature_trouble.hpp"

namespace pgweir::doctor {
namespace {

std::string version_of(const char* stage, const aws::SecretVersion& version) {
  return std::string(stage) + ", version " + version.id;
}

std::string user_of(const Probe& probe, const aws::SecretVersion& version) {
  return version.user.empty() ? probe.target.user.name : version.user;
}

bool connect_again(Probe& probe) {
  probe.wire = Wire();
  return connect_tcp(probe) && start_tls(probe);
}

// Each other version of the secret, tried once: more would look like guessing.
struct OtherVersions {
  std::vector<Evidence> evidence;
  std::string accepted;  // the stage of a version that the server accepts; then it is logged in
};

OtherVersions try_others(Probe& probe, const aws::SecretVersion& current) {
  OtherVersions others;
  if (probe.target.user.secret.empty()) return others;  // parameters have no stages
  for (const char* const stage : {"AWSPENDING", "AWSPREVIOUS"}) {
    const SecretReading& reading = probe.aws().read(probe.target.user, stage);
    if (!reading.version || reading.version->id == current.id) continue;
    if (!connect_again(probe)) return others;
    const auto refusal = try_login(probe, user_of(probe, *reading.version), reading.version->password);
    others.evidence.push_back(
        {version_of(stage, *reading.version), refusal ? refusal->message : "the server lets it in"});
    if (refusal) continue;
    others.accepted = stage;
    return others;
  }
  return others;
}

Finding judge_versions(Probe& probe, const ServerRefusal& refusal, const aws::SecretVersion& current,
                       const OtherVersions& others) {
  const std::string& user = probe.target.user.name;
  const std::string& secret = probe.target.user.secret;
  std::vector<Evidence> evidence{{version_of("AWSCURRENT", current), refusal.message}};
  evidence.insert(evidence.end(), others.evidence.begin(), others.evidence.end());
  if (others.accepted == "AWSPENDING")
    return warning("L14",
                   "The server takes the pending version of the secret of " + user +
                       " only: a rotation is under way, or has stopped half-way.",
                   evidence, {"aws secretsmanager describe-secret --secret-id " + secret});
  Finding found =
      problem("L14", "The server refuses the current version of the secret of " + user + ".", evidence,
              {"ALTER ROLE " + user_of(probe, current) + " PASSWORD '...', the one of the secret"});
  if (!secret.empty())
    found.fixes.insert(found.fixes.begin(), "aws secretsmanager rotate-secret --secret-id " + secret);
  if (others.accepted == "AWSPREVIOUS")
    found.causes = {"a rotation has changed the secret, and not the server"};
  else
    found.causes = {"the password was changed on the server, and not in the secret",
                    "the secret of another user", "the role is granted rds_iam, which takes tokens only"};
  return found;
}

// What a role needs for a login by token, as far as that can be seen from here.
Finding judge_token(Probe& probe, const ServerRefusal& refusal, const std::string& region) {
  const std::string& user = probe.target.user.name;
  const Identity& who = probe.aws().identity();
  const std::string resource =
      "arn:" + who.partition + ":rds-db:" + region + ":" + who.account + ":dbuser:DBI_RESOURCE_ID/" + user;
  std::vector<Evidence> evidence = words_of(refusal);
  if (!who.arn.empty()) evidence.push_back({"sts GetCallerIdentity", who.arn});
  for (Evidence& one : clocks(who.answer)) evidence.push_back(std::move(one));
  Finding found = problem("L15", "The server refuses to log " + user + " in by IAM.", evidence,
                          {"allow rds-db:connect on " + resource + " to the role of pgweir",
                           "aws rds describe-db-instances --query "
                           "'DBInstances[].[DbiResourceId,IAMDatabaseAuthenticationEnabled,Endpoint]'"});
  found.causes = {"the role of pgweir lacks rds-db:connect for this database and user",
                  "IAM was just turned on at the instance, or the policy just changed: some minutes",
                  "databases." + probe.target.database.name +
                      ".host is not the endpoint's own name, which the token is made for",
                  "another region than " + region};
  const bool is_off = std::chrono::abs(clock_difference(who.answer)) > clock_difference_max;
  if (is_off) found.causes.insert(found.causes.begin(), "this machine's clock is wrong");
  return found;
}

Finding not_granted(const Probe& probe, const ServerRefusal& refusal) {
  const std::string& user = probe.target.user.name;
  Finding found =
      problem("L16", "The server takes no token of " + user + ": it asks for a password.", words_of(refusal),
              {"GRANT rds_iam TO " + user,
               "aws rds modify-db-instance --db-instance-identifier DB "
               "--enable-iam-database-authentication",
               "databases." + probe.target.database.name + ".iam: false, and a password"});
  found.causes = {"the role is not granted rds_iam", "IAM is off at the instance",
                  "the host is another server than the one of RDS"};
  return found;
}

}  // namespace

bool log_in_by_secret(Probe& probe) {
  const SecretReading& reading = probe.aws().read(probe.target.user);
  if (!reading.version)
    return probe.stop(not_evaluated("L14", "the user's secret could not be read: " +
                                               (reading.answer.is_ok() ? reading.unusable
                                                                       : reading.answer.failure.message)),
                      "the user's secret is not known");
  const auto refusal = try_login(probe, user_of(probe, *reading.version), reading.version->password);
  if (refusal && refusal->sqlstate != sqlstate::invalid_password)
    return probe.stop(judge_refusal(probe, *refusal), "logging in fails");
  if (refusal) {
    const OtherVersions others = try_others(probe, *reading.version);
    Finding found = judge_versions(probe, *refusal, *reading.version, others);
    if (found.verdict == Verdict::problem) return probe.stop(std::move(found), "logging in fails");
    pass_login(probe);
    probe.report(std::move(found));
    return true;
  }
  pass_login(probe);
  return true;
}

bool log_in_by_token(Probe& probe) {
  const config::Database& database = probe.target.database;
  const config::User& user = probe.target.user;
  const auto& [credentials, error] = probe.aws().signer();
  if (!credentials)
    return probe.stop(not_evaluated("L15", "no token can be made: " + error),
                      "there are no credentials for a token");
  const std::string region = aws::region_of_host(database.host, probe.target.settings.aws.region);
  const config::Secret token = aws::rds_token(database.host, database.port, user.name, region, *credentials,
                                              std::chrono::system_clock::now());
  const auto refusal = try_login(probe, user.name, token);
  if (!refusal) {
    pass_login(probe);
    for (const char* const id : {"L15", "L16"})
      probe.report(passed(id, "The server logs the user in by IAM."));
    return true;
  }
  const bool is_about_hba = refusal->message.find("no pg_hba.conf entry") != std::string::npos;
  if (refusal->message == BackendLogin::wants_no_token || refusal->sqlstate == sqlstate::invalid_password)
    return probe.stop(not_granted(probe, *refusal), "logging in fails");
  if (refusal->sqlstate.starts_with(sqlstate::class_invalid_authorization) && !is_about_hba)
    return probe.stop(judge_token(probe, *refusal, region), "logging in fails");
  return probe.stop(judge_refusal(probe, *refusal), "logging in fails");
}

}  // namespace pgweir::doctor
