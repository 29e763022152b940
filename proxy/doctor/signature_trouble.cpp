#include "proxy/doctor/signature_trouble.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <ctime>

namespace pgweir::doctor {
namespace {

// Errors about the time or the secret key.
constexpr std::array<std::string_view, 5> of_signature{"InvalidSignatureException", "SignatureDoesNotMatch",
                                                       "RequestTimeTooSkewed", "RequestExpired",
                                                       "IncompleteSignature"};
// Errors about the access key.
constexpr std::array<std::string_view, 5> of_key{"UnrecognizedClientException", "InvalidClientTokenId",
                                                 "ExpiredTokenException", "ExpiredToken",
                                                 "InvalidAccessKeyId"};

bool has(const std::array<std::string_view, 5>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string text_of(aws::Time time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts);
  return text;
}

bool is_off(const AwsAnswer& answer) {
  return std::chrono::abs(clock_difference(answer)) > clock_difference_max;
}

Finding refused(const AwsAnswer& answer) {
  const aws::CallFailure& failure = answer.failure;
  std::vector<Evidence> evidence{
      {answer.what, failure.name + (failure.said.empty() ? "" : ": " + failure.said)}};
  for (Evidence& one : clocks(answer)) evidence.push_back(std::move(one));
  if (is_off(answer)) {
    Finding found = problem("L27", "AWS does not take the signature: this machine's clock is wrong.",
                            evidence, {"timedatectl set-ntp true", "chronyc tracking"});
    found.causes = {"the clock of this machine: see the difference"};
    return found;
  }
  if (has(of_key, failure.name)) {
    Finding found = problem("L27", "AWS does not know the access key, or not any more.", evidence,
                            {"aws sts get-caller-identity, with the same environment"});
    found.causes = {"credentials that have expired",
                    "an access key that was deleted or belongs to another partition",
                    "AWS_ACCESS_KEY_ID in the environment, which goes before the task's role"};
    return found;
  }
  Finding found = problem("L27", "AWS does not take the signature.", evidence,
                          {"aws sts get-caller-identity, with the same environment",
                           "aws.endpoints: hosts of AWS itself, or private endpoints"});
  found.causes = {"a secret access key that does not belong to the access key",
                  "something between here and AWS that changes requests",
                  "another region than the endpoint's"};
  return found;
}

}  // namespace

std::chrono::seconds clock_difference(const AwsAnswer& answer) {
  if (answer.there == aws::Time{}) return {};
  return std::chrono::duration_cast<std::chrono::seconds>(answer.here - answer.there);
}

std::vector<Evidence> clocks(const AwsAnswer& answer) {
  if (answer.there == aws::Time{}) return {};
  return {{"AWS' clock", text_of(answer.there)}, {"this machine's clock", text_of(answer.here)}};
}

bool is_signature_trouble(const AwsAnswer& answer) {
  return has(of_signature, answer.failure.name) || has(of_key, answer.failure.name);
}

Finding judge_signatures(const Identity& identity, const std::vector<const SecretReading*>& readings) {
  std::vector<const AwsAnswer*> answers;
  for (const SecretReading* reading : readings) answers.push_back(&reading->answer);
  answers.push_back(&identity.answer);
  for (const AwsAnswer* answer : answers) {
    if (is_signature_trouble(*answer)) return refused(*answer);
  }
  const auto answered =
      std::find_if(answers.begin(), answers.end(), [](const AwsAnswer* one) { return one->is_answered(); });
  if (answered == answers.end())
    return not_evaluated("L27", "AWS was not reached: " + answers.front()->failure.message);
  if (is_off(**answered))
    return warning("L27", "AWS still takes the signature, though this machine's clock is off.",
                   clocks(**answered), {"timedatectl set-ntp true", "chronyc tracking"});
  return passed("L27", "AWS takes the signature.", clocks(**answered));
}

}  // namespace pgweir::doctor
