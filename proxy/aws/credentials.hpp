// Who pgweir is to AWS, and the texts in which AWS tells it.
//
// Pure functions: any thread. Parsers take whatever a server sends: they never throw, and on failure `error`
// is a sentence without any part of the text.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "config/settings.hpp"

namespace pgweir::aws {

struct Credentials {
  std::string access_key_id;
  config::Secret secret_access_key;
  config::Secret session_token;  // empty: long-lived keys
  // When AWS stops taking them; max(): never.
  std::chrono::system_clock::time_point expires = std::chrono::system_clock::time_point::max();
};

// Credentials are fetched again this long before they end. AWS has new ones ready five minutes before.
inline constexpr std::chrono::seconds credentials_refresh_before{300};
// They are not fetched more often than this when AWS hands out some that end soon.
inline constexpr std::chrono::seconds credentials_refresh_pause{10};
// Whether it is time to ask for the next ones.
bool are_due(const Credentials& present, std::chrono::system_clock::time_point fetched_at,
             std::chrono::system_clock::time_point now);

// 2026-01-31T12:00:00Z, with or without fractions of a second.
std::optional<std::chrono::system_clock::time_point> parse_iso_time(std::string_view text);

// What the ECS agent, EKS Pod Identity and the EC2 metadata service answer: AccessKeyId, SecretAccessKey,
// Token, Expiration (Amazon ECS Developer Guide, "Task IAM role").
std::optional<Credentials> parse_role_credentials(std::string_view json, std::string& error);

// The answer of STS to AssumeRoleWithWebIdentity, as JSON (AWS STS API Reference).
std::optional<Credentials> parse_web_identity(std::string_view json, std::string& error);

// The shared `credentials` or `config` file (AWS SDKs and Tools Reference Guide). Only keys that stand in the
// file itself: a profile that takes another way (sso, credential_process, source_profile) is an error.
// nullopt without an error: there is no such profile.
std::optional<Credentials> parse_shared_file(std::string_view text, std::string_view profile,
                                             std::string& error);

}  // namespace pgweir::aws
