// Finds out who pgweir is to AWS, as the SDKs do, and keeps that fresh:
//
//   1. AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN
//   2. AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN, by AssumeRoleWithWebIdentity
//   3. the shared credentials or config file, profile AWS_PROFILE: for development
//   4. AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI: ECS, EKS Pod Identity
//   5. the metadata service of EC2, version 2 of it (IMDSv2), unless AWS_EC2_METADATA_DISABLED
//
// The first that is there decides; when it fails the others are not tried, so that pgweir never acts under
// another identity than was meant. Source: AWS SDKs and Tools Reference Guide, "Standardized credential
// providers".
//
// Fresh credentials are fetched before the old ones end; if that fails, the old ones stay in use. One fetch
// at a time, with a growing pause between failures. Thread rule: the HttpLoop's thread, unless said
// otherwise.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "config/environment.hpp"
#include "proxy/aws/http_loop.hpp"

namespace pgweir::aws {

using CredentialsRef = std::shared_ptr<const Credentials>;

class CredentialsChain {
 public:
  static constexpr std::chrono::seconds back_off_max{30};
  static constexpr std::size_t file_max = 64 * 1024;

  // Gets null with a sentence that says why.
  using Done = std::function<void(CredentialsRef, const std::string& error)>;

  CredentialsChain(HttpLoop& loop, config::Environment environment)
      : loop_(loop), environment_(std::move(environment)) {}

  void configure(const config::Aws& settings) { settings_ = settings; }
  void get(Done done);
  // Forgets credentials that AWS does not take any more.
  void drop(const CredentialsRef& refused);
  // When the present ones end, in seconds since 1970; 0: there are none, or they never do. Any thread.
  std::int64_t expires() const { return expires_.load(); }

 private:
  using Parser = std::optional<Credentials> (*)(std::string_view, std::string&);

  std::string variable(const char* name) const;
  void fetch();
  void from_environment();
  void from_web_identity();
  bool from_shared_files();
  void from_container();
  void from_metadata_service();
  void ask_metadata_role(std::string base, config::Secret token);
  void ask(HttpRequest request, std::string what, Parser parser);
  void finish(std::optional<Credentials> made, const std::string& error);

  HttpLoop& loop_;
  const config::Environment environment_;
  config::Aws settings_;
  CredentialsRef current_;
  Time fetched_at_{};
  Time not_before_{};  // after a failure
  unsigned failures_ = 0;
  std::string error_;
  bool fetching_ = false;
  std::vector<Done> waiting_;
  std::atomic<std::int64_t> expires_{0};
};

}  // namespace pgweir::aws
