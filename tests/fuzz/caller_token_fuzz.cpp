// A client's token for STS, and what STS answers. The first byte chooses: the token as it comes, a URL that
// is still to be encoded, or an answer. Oracle: what passes is written anew with the same parameters, none
// twice, for a host of ours, and passes again as it was written; a role is one that the configuration could
// name.
#include <cstdlib>
#include <string>

#include "config/aws_check.hpp"
#include "protocol/base64.hpp"
#include "proxy/aws/caller_token.hpp"
#include "proxy/aws/secret_value.hpp"

using namespace pgweir;
using namespace pgweir::aws;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

constexpr char host[] = "sts.us-east-1.amazonaws.com";
const Time now = std::chrono::system_clock::from_time_t(1440938160);  // 2015-08-30T12:36:00Z

std::string packed(std::string_view url) {
  std::string out = to_base64(as_bytes(url));
  while (out.ends_with('=')) out.pop_back();
  for (char& c : out) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return std::string(caller_token_prefix) + out;
}

std::optional<CallerToken> parse(std::string_view token) {
  static const CallerRules rules{"us-east-1", {host}};
  std::string error;
  std::optional<CallerToken> made = parse_caller_token(token, rules, now, error);
  require(made.has_value() == error.empty());
  return made;
}

void check_token(std::string_view token) {
  const auto made = parse(token);
  if (!made) return;
  require(made->host == host && made->query.find_first_of("#\r\n \0") == std::string::npos);
  require(made->good_until > now);
  const auto again = parse(packed("https://" + made->host + "/?" + made->query));
  require(again && again->query == made->query);
}

void check_answer(std::string_view text) {
  std::string error;
  const auto role = parse_caller_identity(text, error);
  require(role.has_value() == error.empty());
  require(!role || config::is_role_arn(*role));
  if (const auto secret = parse_secret_value(text, error))
    require(!secret->password.empty() && !secret->id.empty());
  if (const auto secret = parse_parameter(text, error)) require(!secret->password.empty());
  parse_role_credentials(text, error);
  parse_web_identity(text, error);
  parse_shared_file(text, "default", error);
  judge_failure(400, text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 3 == 0) check_token(text);
  if (data[0] % 3 == 1) check_token(packed(text));
  if (data[0] % 3 == 2) check_answer(text);
  return 0;
}
