#include "proxy/aws/secret_value.hpp"

#include <array>
#include <charconv>
#include <cmath>

#include "config/problem.hpp"
#include "proxy/aws/json.hpp"

namespace pgweir::aws {
namespace {

constexpr std::size_t user_max = 63;         // PostgreSQL's names
constexpr std::size_t password_max = 4'096;  // more than any server takes
constexpr std::size_t shown_max = 64;
constexpr double epoch_seconds_max = 9e9;  // what is much later does not fit a Time

struct Known {
  std::string_view name;
  CallResult result;
  std::string_view advice;
};

// AWS, "Common error types", and those of the two services. What is not here is the service's own trouble.
constexpr std::array<Known, 16> known{{
    {"ResourceNotFoundException", CallResult::not_found, "is there such a secret in this region?"},
    {"ParameterNotFound", CallResult::not_found, "is there such a parameter in this region?"},
    {"ParameterVersionNotFound", CallResult::not_found, "is there such a parameter in this region?"},
    {"AccessDeniedException", CallResult::denied, "the role of pgweir lacks the permission to read it"},
    {"DecryptionFailure", CallResult::denied, "the role of pgweir lacks kms:Decrypt for the key"},
    {"UnrecognizedClientException", CallResult::expired, "the access key is unknown"},
    {"InvalidClientTokenId", CallResult::expired, "the access key is unknown"},
    {"ExpiredTokenException", CallResult::expired, "the credentials have expired"},
    {"ExpiredToken", CallResult::expired, "the credentials have expired"},
    {"InvalidSignatureException", CallResult::denied, "is the clock of this machine right?"},
    {"SignatureDoesNotMatch", CallResult::denied, "is the clock of this machine right?"},
    {"RequestTimeTooSkewed", CallResult::denied, "the clock of this machine is wrong"},
    {"ThrottlingException", CallResult::throttled, "too many calls"},
    {"Throttling", CallResult::throttled, "too many calls"},
    {"TooManyRequestsException", CallResult::throttled, "too many calls"},
    {"InvalidRequestException", CallResult::denied, "is the secret scheduled for deletion?"},
}};

// "com.amazonaws.secretsmanager#ResourceNotFoundException" and "Sender: x" are spelled by the last part.
std::string error_name(const nlohmann::json& document) {
  std::string name = text_at(document, "__type");
  if (name.empty()) {
    const nlohmann::json* const error = member(document, "Error");
    if (error != nullptr) name = text_at(*error, "Code");
  }
  return name.substr(name.find_last_of("#:") + 1);
}

// Services differ in how they spell it.
std::string error_words(const nlohmann::json& document) {
  const nlohmann::json* const error = member(document, "Error");
  const nlohmann::json& where = error != nullptr ? *error : document;
  const std::string words = text_at(where, "Message");
  return words.empty() ? text_at(where, "message") : words;
}

Time time_at(const nlohmann::json& object, const char* name) {
  const nlohmann::json* const value = member(object, name);
  if (value == nullptr || !value->is_number()) return {};
  const double seconds = value->get<double>();
  if (!(seconds > 0 && seconds < epoch_seconds_max)) return {};
  return Time(std::chrono::seconds(std::llround(seconds)));
}

}  // namespace

std::optional<SecretVersion> parse_secret_text(std::string_view text, std::string& error) {
  error.clear();
  SecretVersion made;
  if (text.starts_with('{')) {
    const auto document = parse_json(text, error);
    made.password = config::Secret(document ? text_at(*document, "password") : "");
    made.user = document ? text_at(*document, "username") : "";
    if (!document)
      error = "the secret begins like JSON and is not JSON";
    else if (made.password.empty())
      error = "the secret holds no \"password\"";
  } else {
    made.password = config::Secret(std::string(text));
    if (text.empty()) error = "the secret is empty";
  }
  const auto bad = [](const std::string& value, std::size_t most) {
    return value.size() > most || value.find('\0') != std::string::npos;
  };
  if (bad(made.password.reveal(), password_max)) error = "the password is too long, or has a NUL in it";
  if (bad(made.user, user_max)) error = "the username is longer than PostgreSQL's names";
  if (!error.empty()) return std::nullopt;
  return made;
}

std::optional<SecretVersion> parse_secret_value(std::string_view json, std::string& error) {
  const auto document = parse_json(json, error);
  if (!document) return std::nullopt;
  const nlohmann::json* const text = member(*document, "SecretString");
  if (text == nullptr || !text->is_string()) {
    error = "the secret is not a text (SecretString)";
    return std::nullopt;
  }
  std::optional<SecretVersion> made = parse_secret_text(text->get_ref<const std::string&>(), error);
  if (!made) return std::nullopt;
  made->id = text_at(*document, "VersionId");
  made->created = time_at(*document, "CreatedDate");
  if (!made->id.empty()) return made;
  error = "the answer has no VersionId";
  return std::nullopt;
}

std::optional<SecretVersion> parse_parameter(std::string_view json, std::string& error) {
  const auto document = parse_json(json, error);
  if (!document) return std::nullopt;
  const nlohmann::json* const parameter = member(*document, "Parameter");
  const nlohmann::json* const text = parameter == nullptr ? nullptr : member(*parameter, "Value");
  const nlohmann::json* const version = parameter == nullptr ? nullptr : member(*parameter, "Version");
  if (text == nullptr || !text->is_string() || version == nullptr || !version->is_number_integer()) {
    error = "the answer has no Parameter with Value and Version";
    return std::nullopt;
  }
  std::optional<SecretVersion> made = parse_secret_text(text->get_ref<const std::string&>(), error);
  if (!made) return std::nullopt;
  made->id = std::to_string(version->get<std::int64_t>());
  made->created = time_at(*parameter, "LastModifiedDate");
  return made;
}

std::optional<std::string> previous_parameter_version(std::string_view id) {
  std::int64_t version = 0;
  const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), version);
  if (error != std::errc() || end != id.data() + id.size() || version <= 1) return std::nullopt;
  return std::to_string(version - 1);
}

std::string_view to_string(CallResult result) {
  constexpr std::array<std::string_view, call_result_count> names{
      "ok",        "unreachable", "no_credentials", "expired", "denied",
      "not_found", "throttled",   "failed",         "invalid"};
  return names[static_cast<std::size_t>(result)];
}

CallFailure judge_failure(int status, std::string_view body) {
  std::string ignored;
  const auto document = parse_json(body, ignored);
  const std::string name = document ? error_name(*document) : std::string();
  const std::string said = document ? error_words(*document) : std::string();
  const auto made = [&](CallResult result, std::string message) {
    return CallFailure{result, std::move(message), name, said};
  };
  for (const Known& each : known) {
    if (each.name == name) return made(each.result, name + ": " + std::string(each.advice));
  }
  const std::string shown = "status " + std::to_string(status) +
                            (name.empty() ? std::string() : " " + config::printable(name, shown_max));
  if (status == 429) return made(CallResult::throttled, shown);
  if (status >= 300 && status < 400) return made(CallResult::invalid, shown + ": redirects are not followed");
  if (status == 401 || status == 403) return made(CallResult::denied, shown);
  return made(CallResult::failed, shown);
}

}  // namespace pgweir::aws
