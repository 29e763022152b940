#include "proxy/aws/caller_token.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>

#include "config/aws_check.hpp"
#include "protocol/base64.hpp"
#include "proxy/aws/json.hpp"

namespace pgweir::aws {
namespace {

constexpr std::size_t date_size = 16;  // 20150830T123600Z
constexpr std::size_t token_day_size = 8;
constexpr std::array<std::string_view, 9> parameters{
    "action",        "version",         "x-amz-algorithm",     "x-amz-credential",    "x-amz-date",
    "x-amz-expires", "x-amz-signature", "x-amz-signedheaders", "x-amz-security-token"};
// Without a session token the keys are a user's, not a role's: STS will say so.
constexpr std::size_t required_parameters = 8;

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; });
  return out;
}

// RFC 4648, section 5, without padding.
bool from_base64url(std::string_view text, std::string& out) {
  std::string plain(text);
  for (char& c : plain) {
    if (c == '+' || c == '/' || c == '=') return false;
    if (c == '-') c = '+';
    if (c == '_') c = '/';
  }
  plain.append((4 - plain.size() % 4) % 4, '=');
  ByteBuffer bytes;
  if (!from_base64(plain, bytes)) return false;
  out = as_text(bytes);
  return true;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// False: a malformed escape, or something that has to be escaped.
bool decode(std::string_view text, std::string& out) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '%') {
      const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0) return false;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else if (c == '+' || c == '#' || c <= ' ' || c >= 0x7f) {
      return false;
    } else {
      out += c;
    }
  }
  return out.find('\0') == std::string::npos;
}

// By name in small letters; the spelling is kept for the request, because it is signed.
struct Parameter {
  std::string name;
  std::string value;
};
using Parameters = std::map<std::string, Parameter>;

std::string_view read_query(std::string_view query, Parameters& out) {
  while (true) {
    const std::size_t end = query.find('&');
    const std::string_view part = query.substr(0, end);
    const std::size_t equals = part.find('=');
    Parameter parameter;
    if (equals == std::string_view::npos || !decode(part.substr(0, equals), parameter.name) ||
        !decode(part.substr(equals + 1), parameter.value))
      return "a malformed query";
    std::string name = lower(parameter.name);
    if (std::find(parameters.begin(), parameters.end(), name) == parameters.end())
      return "a parameter that does not belong there";
    // Refused whatever they say: STS may take the other one than is checked here (CVE-2022-2385).
    if (!out.emplace(std::move(name), std::move(parameter)).second) return "a parameter twice";
    if (end == std::string_view::npos) break;
    query = query.substr(end + 1);
  }
  for (std::size_t i = 0; i < required_parameters; ++i) {
    if (!out.contains(std::string(parameters[i]))) return "a parameter is missing";
  }
  return {};
}

bool parse_date(std::string_view text, Time& out) {
  if (text.size() != date_size || text[8] != 'T' || text[15] != 'Z') return false;
  std::string iso(text.substr(0, 4));
  iso.append("-").append(text.substr(4, 2)).append("-").append(text.substr(6, 5));
  iso.append(":").append(text.substr(11, 2)).append(":").append(text.substr(13));
  const auto digits = [](char c) { return c >= '0' && c <= '9'; };
  if (std::count_if(text.begin(), text.end(), digits) != 14) return false;
  const auto time = parse_iso_time(iso);
  if (time) out = *time;
  // The 31st of February is another date when it is written back.
  return time && amz_date(*time) == text;
}

bool parse_seconds(std::string_view text, std::chrono::seconds& out) {
  std::uint32_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  out = std::chrono::seconds(value);
  return code == std::errc() && end == text.data() + text.size();
}

// host;x-pgweir-server-id;...
bool signs(std::string_view list, std::string_view header) {
  while (!list.empty()) {
    const std::size_t end = list.find(';');
    if (list.substr(0, end) == header) return true;
    list = end == std::string_view::npos ? std::string_view() : list.substr(end + 1);
  }
  return false;
}

// KEY/DAY/REGION/sts/aws4_request
bool fits_scope(std::string_view credential, std::string_view day, std::string_view region) {
  const std::size_t slash = credential.find('/');
  if (slash == 0 || slash == std::string_view::npos) return false;
  std::string expected(day);
  expected.append("/").append(region).append("/sts/aws4_request");
  return credential.substr(slash + 1) == expected;
}

// What its parameters say, one after the other.
std::string_view judge(const Parameters& given, const CallerRules& rules, Time now, Time& good_until) {
  const auto value = [&](const char* name) { return std::string_view(given.at(name).value); };
  if (value("action") != "GetCallerIdentity") return "another action than GetCallerIdentity";
  if (value("version") != "2011-06-15") return "another version than 2011-06-15";
  if (value("x-amz-algorithm") != "AWS4-HMAC-SHA256") return "another algorithm than AWS4-HMAC-SHA256";
  const std::string_view headers = value("x-amz-signedheaders");
  if (!signs(headers, "host") || !signs(headers, server_id_header)) return "the server's id is not signed";
  std::chrono::seconds expires{};
  if (!parse_seconds(value("x-amz-expires"), expires) || expires > sts_signature_lifetime)
    return "an X-Amz-Expires that is not a number up to 900";
  Time date{};
  if (!parse_date(value("x-amz-date"), date)) return "an X-Amz-Date that is not a date";
  if (date > now + clock_skew_max) return "a date in the future; is a clock wrong?";
  good_until = date + std::min(rules.max_age, sts_signature_lifetime);
  if (now >= good_until || now >= date + expires + clock_skew_max) return "it is too old; is a clock wrong?";
  if (!fits_scope(value("x-amz-credential"), value("x-amz-date").substr(0, token_day_size), rules.region))
    return "a scope that is not this region's STS of that day";
  return {};
}

// "assumed-role/NAME/SESSION", whose name and session are not empty.
bool split_role(std::string_view resource, std::string_view& name, std::string_view& session) {
  constexpr std::string_view kind = "assumed-role/";
  if (!resource.starts_with(kind)) return false;
  const std::string_view rest = resource.substr(kind.size());
  const std::size_t slash = rest.find('/');
  if (slash == std::string_view::npos) return false;
  name = rest.substr(0, slash);
  session = rest.substr(slash + 1);
  return !name.empty() && !session.empty() && session.find('/') == std::string_view::npos;
}

}  // namespace

std::optional<CallerToken> parse_caller_token(std::string_view text, const CallerRules& rules, Time now,
                                              std::string& error) {
  const auto fail = [&](std::string_view why) {
    error = why;
    return std::nullopt;
  };
  // 1. Size, prefix, encoding.
  if (text.size() > caller_token_max) return fail("it is too large");
  if (!text.starts_with(caller_token_prefix)) return fail("it is not a token: the prefix is another one");
  std::string url;
  if (!from_base64url(text.substr(caller_token_prefix.size()), url)) return fail("it is not base64url");
  // 2. Scheme, host, path. A user, port, fragment or other letters make it another host.
  constexpr std::string_view scheme = "https://";
  if (!url.starts_with(scheme)) return fail("it is not an https URL");
  const std::string_view rest = std::string_view(url).substr(scheme.size());
  const std::size_t path = rest.find('/');
  const std::string host(rest.substr(0, path));
  if (std::find(rules.hosts.begin(), rules.hosts.end(), host) == rules.hosts.end())
    return fail("it is for another host than STS of this region");
  if (path == std::string_view::npos || !rest.substr(path).starts_with("/?"))
    return fail("its path is not /");
  // 3. Which parameters there are.
  Parameters given;
  if (const std::string_view why = read_query(rest.substr(path + 2), given); !why.empty()) return fail(why);
  // 4. to 7. What they say.
  CallerToken token;
  if (const std::string_view why = judge(given, rules, now, token.good_until); !why.empty()) return fail(why);
  token.host = host;
  for (const auto& [key, parameter] : given) {
    token.query.append(token.query.empty() ? "" : "&").append(uri_encode(parameter.name)).append("=");
    token.query.append(uri_encode(parameter.value));
  }
  return token;
}

std::optional<std::string> parse_caller_identity(std::string_view json, std::string& error) {
  const auto document = parse_json(json, error);
  if (!document) return std::nullopt;
  const nlohmann::json* at = &*document;
  for (const char* name : {"GetCallerIdentityResponse", "GetCallerIdentityResult"}) {
    at = member(*at, name);
    if (at != nullptr) continue;
    error = "the answer has no " + std::string(name);
    return std::nullopt;
  }
  const std::string arn = text_at(*at, "Arn");
  const std::string account = text_at(*at, "Account");
  const std::string user_id = text_at(*at, "UserId");
  // arn:PARTITION:sts::ACCOUNT:assumed-role/NAME/SESSION
  const std::size_t service = arn.find(":sts::");
  const std::size_t resource = service == std::string::npos ? service : arn.find(':', service + 6);
  std::string_view name;
  std::string_view session;
  if (resource == std::string::npos ||
      !split_role(std::string_view(arn).substr(resource + 1), name, session)) {
    error = "the caller is not a role";
    return std::nullopt;
  }
  std::string role = arn.substr(0, service) + ":iam::" + account + ":role/" + std::string(name);
  const bool same_account = arn.substr(service + 6, resource - service - 6) == account;
  const std::size_t colon = user_id.find(':');
  const bool same_session = colon != std::string::npos && colon > 0 && user_id.substr(colon + 1) == session &&
                            user_id.find(':', colon + 1) == std::string::npos;
  if (!same_account || !same_session || !config::is_role_arn(role)) {
    error = "the answer contradicts itself";
    return std::nullopt;
  }
  return role;
}

}  // namespace pgweir::aws
