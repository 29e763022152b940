// What a client sends to prove a role of AWS: a presigned URL of STS GetCallerIdentity, encoded. And what STS
// answers about it. No socket, no clock.
//
//   pgweir-v1.BASE64URL(https://sts.REGION.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-...)
//
// The URL is signed together with the header x-pgweir-server-id, so that it is good for one pgweir only. What
// it says is taken apart, each part is checked, and the request to STS is written anew: nothing else of the
// client's reaches STS, and nothing of the client's decides where it is sent. Each check has its reason in a
// hole that others had (CVE-2020-16250, CVE-2020-16251, CVE-2022-2385).
//
// Pure functions: any thread; nothing throws, whatever the input.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/aws/sigv4.hpp"

namespace pgweir::aws {

inline constexpr std::string_view caller_token_prefix = "pgweir-v1.";
inline constexpr std::string_view server_id_header = "x-pgweir-server-id";
// Session tokens are long.
inline constexpr std::size_t caller_token_max = 8'192;
// How far a client's clock may be ahead.
inline constexpr std::chrono::seconds clock_skew_max{60};
// STS takes a signature for this long, whatever X-Amz-Expires says.
inline constexpr std::chrono::seconds sts_signature_lifetime{900};

struct CallerRules {
  std::string region;
  std::vector<std::string>
      hosts;  // as a client may have signed for: STS of the region, and a private endpoint
  std::chrono::seconds max_age{sts_signature_lifetime};
};

struct CallerToken {
  std::string host;   // one of the rules'; goes into the Host header
  std::string query;  // encoded anew
  Time good_until{};
};

// nullopt with a sentence for the log, which repeats nothing of the token.
std::optional<CallerToken> parse_caller_token(std::string_view text, const CallerRules& rules, Time now,
                                              std::string& error);

// The role behind an answer of STS with status 200: arn:aws:iam::ACCOUNT:role/NAME. A session of another kind
// is nullopt with `error`.
std::optional<std::string> parse_caller_identity(std::string_view json, std::string& error);

}  // namespace pgweir::aws
