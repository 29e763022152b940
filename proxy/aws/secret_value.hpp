// What Secrets Manager and Systems Manager answer. Pure functions: any thread; nothing throws, whatever the
// input. Sources: AWS Secrets Manager API Reference, GetSecretValue, and User Guide, "JSON structure of
// secrets"; AWS Systems Manager API Reference, GetParameter.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/settings.hpp"
#include "proxy/aws/sigv4.hpp"

namespace pgweir::aws {

struct SecretVersion {
  std::string id;
  std::string user;  // empty: the secret does not say
  config::Secret password;
  Time created{};  // epoch: not told
};

// The text of a secret: a JSON object with `password` and perhaps `username`, or else the password itself.
// Anything else that the object may hold (engine, host, port ...) is not looked at.
std::optional<SecretVersion> parse_secret_text(std::string_view text, std::string& error);
// The same for the whole answers.
std::optional<SecretVersion> parse_secret_value(std::string_view json, std::string& error);
std::optional<SecretVersion> parse_parameter(std::string_view json, std::string& error);

// The version of a parameter before this one; nullopt: there is none. Versions are counted.
std::optional<std::string> previous_parameter_version(std::string_view id);

// How a call to AWS ended; metrics have these names.
enum class CallResult : std::uint8_t {
  ok,
  unreachable,     // no answer
  no_credentials,  // there is nothing to sign with
  expired,         // the credentials, though fresh ones may do
  denied,          // by policy, or by a wrong signature, as with a wrong clock
  not_found,
  throttled,
  failed,   // the service's own error
  invalid,  // an answer that makes no sense
};
constexpr std::size_t call_result_count = static_cast<std::size_t>(CallResult::invalid) + 1;
std::string_view to_string(CallResult result);

struct CallFailure {
  CallResult result = CallResult::failed;
  std::string message;    // for the log: what AWS calls it, and what to do
  std::string name = {};  // what AWS calls it; empty: it did not say
  // AWS' own words, with principals and resources: for a person who asks, not for the log.
  std::string said = {};
};

// What an answer with another status than 200 means.
CallFailure judge_failure(int status, std::string_view body);

}  // namespace pgweir::aws
