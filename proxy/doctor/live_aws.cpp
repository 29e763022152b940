// L25 to L27: what AWS answers to signed requests.
#include <algorithm>
#include <array>
#include <iterator>

#include "proxy/doctor/live_probe.hpp"
#include "proxy/doctor/signature_trouble.hpp"
#include "proxy/documents/json.hpp"

namespace pgweir::doctor {
namespace {

// No more secrets are read, as each is a call.
constexpr std::size_t secrets_max = 32;

using Readings = std::vector<const SecretReading*>;

bool is_one_of(const std::string& name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_denied(const SecretReading& reading) {
  return is_one_of(reading.answer.failure.name, {"AccessDeniedException", "AccessDenied"});
}
// The service would answer, but the secret or its key forbids it.
bool is_unusable(const SecretReading& reading) {
  if (reading.answer.is_ok()) return !reading.version;
  return is_one_of(
      reading.answer.failure.name,
      {"ResourceNotFoundException", "ParameterNotFound", "ParameterVersionNotFound", "DecryptionFailure",
       "InvalidRequestException", "InvalidParameterException", "ValidationException", "InvalidKeyId"});
}

// The service got as far as looking at the secret.
bool is_judged(const SecretReading& reading) {
  return reading.answer.is_ok() || is_denied(reading) || is_unusable(reading);
}

Evidence evidence_of(const SecretReading& reading) {
  const aws::CallFailure& failure = reading.answer.failure;
  if (reading.answer.is_ok()) return {reading.answer.what, reading.version ? "read" : reading.unusable};
  return {reading.answer.what, failure.name + (failure.said.empty() ? "" : ": " + failure.said)};
}

std::string resource_of(Probe& probe, const SecretReading& reading) {
  if (reading.name.starts_with("arn:")) return reading.name;
  const Identity& who = probe.aws().identity();
  const std::string start = "arn:" + who.partition + (reading.is_parameter ? ":ssm:" : ":secretsmanager:") +
                            probe.target.settings.aws.region + ":" + who.account;
  if (!reading.is_parameter) return start + ":secret:" + reading.name + "-??????";
  return start + ":parameter" + (reading.name.starts_with('/') ? "" : "/") + reading.name;
}

// Causes that AWS' own words name come first.
std::vector<std::string> causes_of_denial(const std::string& said) {
  struct Cause {
    std::string_view words;
    const char* text;
  };
  std::array<Cause, 4> causes{{
      {"identity-based policy", "the role of pgweir does not allow it"},
      {"VPC endpoint policy", "the policy of the VPC endpoint does not allow it"},
      {"KMS", "the role of pgweir may not decrypt with the secret's own key"},
      {"resource-based policy", "the secret's own policy denies it"},
  }};
  std::stable_partition(causes.begin(), causes.end(),
                        [&](const Cause& cause) { return said.find(cause.words) != std::string::npos; });
  std::vector<std::string> texts;
  for (const Cause& cause : causes) texts.emplace_back(cause.text);
  return texts;
}

// There is one policy for all that is denied, because a second one of the same name would replace it.
std::string grant(Probe& probe, const Readings& denied) {
  Json statements = Json::array();
  for (const SecretReading* reading : denied) {
    statements.push_back(
        {{"Effect", "Allow"},
         {"Action", reading->is_parameter ? "ssm:GetParameter" : "secretsmanager:GetSecretValue"},
         {"Resource", resource_of(probe, *reading)}});
  }
  const Identity& who = probe.aws().identity();
  const Json policy{{"Version", "2012-10-17"}, {"Statement", std::move(statements)}};
  return (who.is_user ? "aws iam put-user-policy --user-name " : "aws iam put-role-policy --role-name ") +
         who.role + " --policy-name pgweir-secrets --policy-document '" + policy.dump() + "'";
}

void judge_permissions(Probe& probe, const Readings& readings) {
  Readings denied;
  std::copy_if(readings.begin(), readings.end(), std::back_inserter(denied),
               [](const SecretReading* one) { return is_denied(*one); });
  if (denied.empty())
    return probe.report(passed("L25", "The role of pgweir may read what it needs.",
                               {{"read", std::to_string(readings.size()) + " secrets or parameters"}}));
  std::vector<Evidence> evidence;
  std::string said;
  if (const Identity& who = probe.aws().identity(); !who.arn.empty())
    evidence.push_back({"sts GetCallerIdentity", who.arn});
  for (const SecretReading* reading : denied) {
    evidence.push_back(evidence_of(*reading));
    said += reading->answer.failure.said;
  }
  Finding found =
      problem("L25", "AWS does not let pgweir read a secret.", std::move(evidence),
              {grant(probe, denied), "with a key of your own: kms:Decrypt on it, in the same way",
               "aws ec2 describe-vpc-endpoints --query 'VpcEndpoints[].[ServiceName,PolicyDocument]'"});
  found.causes = causes_of_denial(said);
  probe.report(std::move(found));
}

// A name that ends in a hyphen and six characters is taken for an ARN without its end (AWS Secrets Manager
// User Guide, "Troubleshoot AWS Secrets Manager").
bool looks_like_partial_arn(const std::string& name) {
  constexpr std::size_t suffix = 6;
  if (name.starts_with("arn:") || name.size() <= suffix + 1) return false;
  const std::string_view end = std::string_view(name).substr(name.size() - suffix);
  return name[name.size() - suffix - 1] == '-' &&
         std::all_of(end.begin(), end.end(), [](unsigned char c) { return std::isalnum(c) != 0; });
}

void explain(const Probe& probe, const SecretReading& reading, Finding& found) {
  const std::string& name = reading.answer.failure.name;
  const std::string region = " --region " + probe.target.settings.aws.region;
  if (reading.answer.is_ok()) {
    found.causes.push_back("another secret than that of a database user");
    found.fixes.push_back("a JSON object with `password`, or the password itself, as the secret's text");
  } else if (name == "DecryptionFailure" || name == "InvalidKeyId") {
    found.causes.push_back("the secret's key is disabled, is to be deleted, or is in another account");
    found.fixes.push_back("aws kms describe-key --key-id KEY" + region);
  } else if (name == "InvalidRequestException") {
    found.causes.push_back("the secret is scheduled for deletion");
    found.fixes.push_back("aws secretsmanager restore-secret --secret-id " + reading.name + region);
  } else {
    if (looks_like_partial_arn(reading.name))
      found.causes.push_back("the name ends like an ARN and is taken for one: give the whole ARN instead");
    found.causes.push_back("another name, or another region than that of the secret");
    found.fixes.push_back(reading.is_parameter
                              ? "aws ssm describe-parameters --query 'Parameters[].Name'" + region
                              : "aws secretsmanager list-secrets --query 'SecretList[].Name'" + region);
  }
}

void judge_existence(Probe& probe, const Readings& readings) {
  Finding found = problem("L26", "A secret cannot be used.", {}, {});
  for (const SecretReading* reading : readings) {
    if (!is_unusable(*reading)) continue;
    found.evidence.push_back(evidence_of(*reading));
    explain(probe, *reading, found);
  }
  if (found.evidence.empty()) return probe.report(passed("L26", "The secrets exist and hold a password."));
  probe.report(std::move(found));
}

// What was not answered cannot be judged; the fault is on the way, or in the service itself.
void report_silence(Probe& probe, const AwsAnswer& answer) {
  const aws::CallFailure& failure = answer.failure;
  const std::vector<Evidence> evidence{{answer.what, failure.message}};
  if (failure.result == aws::CallResult::throttled)
    return probe.report(
        warning("L24", "AWS throttles pgweir.", evidence, {"aws.secrets.refresh: more, or fewer instances"}));
  Finding found = problem("L24", "What answers in AWS' place gives no usable answer.", evidence,
                          {"aws.endpoints and aws.ca_file: those of the endpoint"});
  found.causes = {"an endpoint whose certificate is not trusted, or is for another name",
                  "something between here and AWS that answers itself", "an outage of the service"};
  probe.report(std::move(found));
}

// The secret of the user who is tried comes first. A service that does not answer is waited for only once.
Readings read_secrets(Probe& probe) {
  Readings readings;
  const auto take = [&](const config::User& user) {
    if (!user.has_remote_secret() || readings.size() >= secrets_max) return;
    const bool is_away = std::any_of(readings.begin(), readings.end(), [&](const SecretReading* one) {
      return !one->answer.is_answered() && one->is_parameter == user.secret.empty();
    });
    if (is_away) return;
    const SecretReading& reading = probe.aws().read(user);
    if (std::find(readings.begin(), readings.end(), &reading) == readings.end()) readings.push_back(&reading);
  };
  take(probe.target.user);
  for (const auto& [name, user] : probe.target.settings.users) take(user);
  return readings;
}

bool is_well(Probe& probe, const char* id) {
  const auto found = probe.findings.find(id);
  return found != probe.findings.end() && found->second.verdict == Verdict::passed;
}

void none_evaluated(Probe& probe, const std::string& why) {
  for (const char* const id : {"L25", "L26", "L27"}) probe.report(not_evaluated(id, why));
}

}  // namespace

void ask_aws(Probe& probe) {
  if (!signs_requests(probe.target.settings))
    return none_evaluated(probe,
                          "by this configuration pgweir signs nothing: no secret is in AWS, and no "
                          "database is logged in to by IAM");
  if (!probe.aws().signer().credentials)
    return none_evaluated(probe, "there are no credentials to sign with, see L28");
  Readings readings = read_secrets(probe);
  probe.report(judge_signatures(probe.aws().identity(), readings));
  const auto silent = std::stable_partition(readings.begin(), readings.end(),
                                            [](const SecretReading* one) { return is_judged(*one); });
  for (auto one = silent; one != readings.end(); ++one) {
    const bool is_reached = is_well(probe, "L23") && is_well(probe, "L24");
    if (is_reached && !is_signature_trouble((*one)->answer)) report_silence(probe, (*one)->answer);
  }
  const bool any = !readings.empty();
  readings.erase(silent, readings.end());
  if (!readings.empty()) {
    judge_permissions(probe, readings);
    return judge_existence(probe, readings);
  }
  for (const char* const id : {"L25", "L26"})
    probe.report(not_evaluated(
        id, any ? "AWS has not come to look at a secret, see L23, L24 and L27" : "no secret is in AWS"));
}

}  // namespace pgweir::doctor
