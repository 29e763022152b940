#include "proxy/aws/credentials.hpp"

#include <cmath>
#include <ctime>
#include <map>

#include "proxy/aws/json.hpp"

namespace pgweir::aws {
namespace {

using Clock = std::chrono::system_clock;

// The year 2255: what is much later does not fit a time_point, nor does what was before 1678.
constexpr double credentials_epoch_max = 9e9;

std::optional<Clock::time_point> time_of(const nlohmann::json* value) {
  if (value == nullptr) return std::nullopt;
  if (value->is_string()) return parse_iso_time(value->get_ref<const std::string&>());
  if (!value->is_number()) return std::nullopt;
  const double seconds = value->get<double>();
  if (!(seconds > 0 && seconds < credentials_epoch_max)) return std::nullopt;
  return Clock::time_point(std::chrono::seconds(std::llround(seconds)));
}

std::optional<Credentials> read(const nlohmann::json& from, const char* token, std::string& error) {
  Credentials made;
  made.access_key_id = text_at(from, "AccessKeyId");
  made.secret_access_key = config::Secret(text_at(from, "SecretAccessKey"));
  made.session_token = config::Secret(text_at(from, token));
  const auto expires = time_of(member(from, "Expiration"));
  if (made.access_key_id.empty() || made.secret_access_key.empty() || made.session_token.empty())
    error = "the answer holds no AccessKeyId, SecretAccessKey and " + std::string(token);
  else if (!expires)
    error = "the answer does not say until when the credentials hold (Expiration)";
  if (!error.empty()) return std::nullopt;
  made.expires = *expires;
  return made;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blank = " \t\r";
  const std::size_t first = text.find_first_not_of(blank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

// The keys of one profile; in `config` its section is called "profile NAME".
std::map<std::string, std::string> section_of(std::string_view text, std::string_view profile, bool& found) {
  std::map<std::string, std::string> keys;
  bool inside = false;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view whole = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    const std::string_view line = trimmed(whole);
    if (line.empty() || line[0] == '#' || line[0] == ';') continue;
    if (line.front() == '[' && line.back() == ']') {
      std::string_view name = trimmed(line.substr(1, line.size() - 2));
      if (name.starts_with("profile ")) name = trimmed(name.substr(8));
      inside = name == profile;
      found = found || inside;
      continue;
    }
    const std::size_t equals = line.find('=');
    // An indented line belongs to a nested section, such as s3's.
    if (!inside || equals == std::string_view::npos || whole[0] == ' ' || whole[0] == '\t') continue;
    keys[std::string(trimmed(line.substr(0, equals)))] = std::string(trimmed(line.substr(equals + 1)));
  }
  return keys;
}

}  // namespace

bool are_due(const Credentials& present, Clock::time_point fetched_at, Clock::time_point now) {
  if (present.expires == Clock::time_point::max()) return false;
  return now >= present.expires - credentials_refresh_before && now >= fetched_at + credentials_refresh_pause;
}

std::optional<Clock::time_point> parse_iso_time(std::string_view text) {
  // Not longer than microseconds need.
  if (text.size() < 20 || text.size() > 32 || text.back() != 'Z') return std::nullopt;
  std::tm parts{};
  const std::string copy(text);
  const char* const rest = ::strptime(copy.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (rest == nullptr || (*rest != 'Z' && *rest != '.')) return std::nullopt;
  const std::time_t seconds = ::timegm(&parts);
  if (seconds < 0 || static_cast<double>(seconds) > credentials_epoch_max) return std::nullopt;
  return Clock::from_time_t(seconds);
}

std::optional<Credentials> parse_role_credentials(std::string_view json, std::string& error) {
  const auto document = parse_json(json, error);
  return document ? read(*document, "Token", error) : std::nullopt;
}

std::optional<Credentials> parse_web_identity(std::string_view json, std::string& error) {
  const auto document = parse_json(json, error);
  if (!document) return std::nullopt;
  const nlohmann::json* at = &*document;
  for (const char* name :
       {"AssumeRoleWithWebIdentityResponse", "AssumeRoleWithWebIdentityResult", "Credentials"}) {
    at = member(*at, name);
    if (at != nullptr) continue;
    error = "the answer has no " + std::string(name);
    return std::nullopt;
  }
  return read(*at, "SessionToken", error);
}

std::optional<Credentials> parse_shared_file(std::string_view text, std::string_view profile,
                                             std::string& error) {
  bool found = false;
  std::map<std::string, std::string> keys = section_of(text, profile, found);
  if (!found) return std::nullopt;
  Credentials made;
  made.access_key_id = keys["aws_access_key_id"];
  made.secret_access_key = config::Secret(std::move(keys["aws_secret_access_key"]));
  made.session_token = config::Secret(std::move(keys["aws_session_token"]));
  if (!made.access_key_id.empty() && !made.secret_access_key.empty()) return made;
  for (const char* other : {"sso_session", "sso_start_url", "credential_process", "source_profile"}) {
    if (keys.contains(other))
      error = "profile " + std::string(profile) + " uses " + other +
              ", which pgweir does not do; export its keys with `aws configure export-credentials`";
  }
  return std::nullopt;
}

}  // namespace pgweir::aws
