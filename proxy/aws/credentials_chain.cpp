#include "proxy/aws/credentials_chain.hpp"

#include <algorithm>
#include <utility>

#include "proxy/aws/endpoints.hpp"
#include "proxy/aws/secret_value.hpp"
#include "proxy/base/log.hpp"

namespace pgweir::aws {
namespace {

using Seconds = std::chrono::seconds;

// As in the SDKs: pgweir must not wait long for a metadata service that does not exist.
constexpr std::chrono::milliseconds metadata_timeout{1'000};
constexpr char metadata_token_seconds[] = "21600";
constexpr std::size_t role_name_max = 256;

std::string strip(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.pop_back();
  return text;
}

}  // namespace

std::string CredentialsChain::variable(const char* name) const {
  return environment_.variable(name).value_or("");
}

void CredentialsChain::get(Done done) {
  const Time at = now();
  const bool usable = current_ && at < current_->expires;
  const bool may_fetch = !fetching_ && at >= not_before_;
  const bool due = current_ && are_due(*current_, fetched_at_, at);
  // Credentials that are still valid serve while the next are fetched.
  if (usable) {
    if (due && may_fetch) fetch();
    return done(current_, {});
  }
  if (!fetching_ && !may_fetch) return done(nullptr, error_);
  waiting_.push_back(std::move(done));
  if (!fetching_) fetch();
}

void CredentialsChain::drop(const CredentialsRef& refused) {
  if (current_ == refused) current_.reset();
}

void CredentialsChain::fetch() {
  fetching_ = true;
  if (!variable("AWS_ACCESS_KEY_ID").empty()) return from_environment();
  if (!variable("AWS_WEB_IDENTITY_TOKEN_FILE").empty()) return from_web_identity();
  if (from_shared_files()) return;
  if (!variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").empty() ||
      !variable("AWS_CONTAINER_CREDENTIALS_FULL_URI").empty())
    return from_container();
  if (variable("AWS_EC2_METADATA_DISABLED") != "true") return from_metadata_service();
  finish(std::nullopt, "no credentials: no AWS_ACCESS_KEY_ID, no role of a task, pod or instance");
}

void CredentialsChain::from_environment() {
  Credentials made;
  made.access_key_id = variable("AWS_ACCESS_KEY_ID");
  made.secret_access_key = config::Secret(variable("AWS_SECRET_ACCESS_KEY"));
  made.session_token = config::Secret(variable("AWS_SESSION_TOKEN"));
  if (made.secret_access_key.empty())
    return finish(std::nullopt, "AWS_ACCESS_KEY_ID is set without AWS_SECRET_ACCESS_KEY");
  finish(std::move(made), {});
}

void CredentialsChain::from_web_identity() {
  const config::FileContent file = environment_.read_file(variable("AWS_WEB_IDENTITY_TOKEN_FILE"), file_max);
  const std::string role = variable("AWS_ROLE_ARN");
  if (!file.error.empty())
    return finish(std::nullopt, "AWS_WEB_IDENTITY_TOKEN_FILE cannot be read: " + file.error);
  if (role.empty()) return finish(std::nullopt, "AWS_WEB_IDENTITY_TOKEN_FILE is set without AWS_ROLE_ARN");
  std::string session = variable("AWS_ROLE_SESSION_NAME");
  if (session.empty()) session = "pgweir";
  HttpRequest request;
  request.method = "POST";
  request.url = endpoint_of(Service::sts, settings_) + "/";
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}, {"Accept", "application/json"}};
  request.body = "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=" + uri_encode(role) +
                 "&RoleSessionName=" + uri_encode(session) +
                 "&WebIdentityToken=" + uri_encode(strip(file.text));
  request.timeout = settings_.timeout;
  ask(std::move(request), "AssumeRoleWithWebIdentity", &parse_web_identity);
}

// False: there is no such profile.
bool CredentialsChain::from_shared_files() {
  const std::string home = variable("HOME") + "/.aws/";
  std::string profile = variable("AWS_PROFILE");
  const bool asked_for = !profile.empty();
  if (!asked_for) profile = "default";
  const std::pair<const char*, std::string> files[] = {{"AWS_SHARED_CREDENTIALS_FILE", home + "credentials"},
                                                       {"AWS_CONFIG_FILE", home + "config"}};
  std::string error;
  for (const auto& [name, otherwise] : files) {
    const std::string path = variable(name).empty() ? otherwise : variable(name);
    config::FileContent file = environment_.read_file(path, file_max);
    std::optional<Credentials> made;
    if (file.error.empty()) made = parse_shared_file(file.text, profile, error);
    wipe(file.text);
    if (!made) continue;
    finish(std::move(made), {});
    return true;
  }
  if (error.empty() && !asked_for) return false;
  finish(std::nullopt, !error.empty() ? error : "there are no keys of profile " + profile + " (AWS_PROFILE)");
  return true;
}

void CredentialsChain::from_container() {
  const std::string path = variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  HttpRequest request;
  request.url = !path.empty() ? endpoint_of(Service::container, settings_) + path
                              : variable("AWS_CONTAINER_CREDENTIALS_FULL_URI");
  if (!path.empty() && !path.starts_with('/'))
    return finish(std::nullopt, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI begins with no slash");
  if (!is_fit_url(request.url))
    return finish(std::nullopt,
                  "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor an address of this machine");
  std::string token = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN");
  const std::string token_file = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
  if (!token_file.empty()) {
    const config::FileContent file = environment_.read_file(token_file, file_max);
    if (!file.error.empty())
      return finish(std::nullopt, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE cannot be read: " + file.error);
    token = strip(file.text);
  }
  // It becomes a line of the request.
  if (token.find_first_of("\r\n") != std::string::npos)
    return finish(std::nullopt, "the authorization token of the container has a line end in it");
  if (!token.empty()) request.headers.emplace_back("Authorization", token);
  request.timeout = settings_.timeout;
  ask(std::move(request), "the container's endpoint", &parse_role_credentials);
}

// A token first, then the role's name, then its credentials (Amazon EC2 User Guide, "Use IMDSv2").
void CredentialsChain::from_metadata_service() {
  const std::string base = endpoint_of(Service::imds, settings_);
  HttpRequest request;
  request.method = "PUT";
  request.url = base + "/latest/api/token";
  request.headers = {{"X-aws-ec2-metadata-token-ttl-seconds", metadata_token_seconds}};
  request.timeout = metadata_timeout;
  loop_.send(std::move(request), [this, base](HttpReply reply) {
    const bool bad = reply.body.find_first_of("\r\n") != std::string::npos || reply.body.empty();
    if (reply.status == 200 && !bad) return ask_metadata_role(base, config::Secret(std::move(reply.body)));
    finish(std::nullopt,
           "no credentials: no AWS_ACCESS_KEY_ID, no role of a task or pod, and the metadata "
           "service of EC2 gives no token (" +
               (reply.status == 0 ? reply.error : "status " + std::to_string(reply.status)) + ')');
  });
}

void CredentialsChain::ask_metadata_role(std::string base, config::Secret token) {
  const std::string path = "/latest/meta-data/iam/security-credentials/";
  HttpRequest request;
  request.url = base + path;
  request.headers = {{"X-aws-ec2-metadata-token", token.reveal()}};
  request.timeout = metadata_timeout;
  loop_.send(std::move(request), [this, base = base + path, token](HttpReply reply) {
    // An instance has one role, in the first line.
    const std::string_view body = reply.body;
    const std::string role = strip(std::string(body.substr(0, body.find('\n'))));
    if (reply.status != 200 || role.empty() || role.size() > role_name_max)
      return finish(std::nullopt, "the instance has no role (status " + std::to_string(reply.status) + ')');
    HttpRequest next;
    next.url = base + uri_encode(role);
    next.headers = {{"X-aws-ec2-metadata-token", token.reveal()}};
    next.timeout = metadata_timeout;
    ask(std::move(next), "the metadata service", &parse_role_credentials);
  });
}

void CredentialsChain::ask(HttpRequest request, std::string what, Parser parser) {
  loop_.send(std::move(request), [this, what = std::move(what), parser](HttpReply reply) {
    std::string error = reply.error;
    if (reply.status != 0 && reply.status != 200) error = judge_failure(reply.status, reply.body).message;
    std::optional<Credentials> made;
    if (reply.status == 200) made = parser(reply.body, error);
    if (made && made->expires <= now()) {
      made.reset();
      error = "the credentials have expired already; is the clock of this machine right?";
    }
    finish(std::move(made), error.empty() ? error : what + ": " + error);
  });
}

void CredentialsChain::finish(std::optional<Credentials> made, const std::string& error) {
  fetching_ = false;
  fetched_at_ = now();
  error_ = error;
  if (made) {
    failures_ = 0;
    not_before_ = {};
    const bool ends = made->expires != Time::max();
    expires_ = ends ? std::chrono::system_clock::to_time_t(made->expires) : 0;
    log::info("aws_credentials", {{"access_key", made->access_key_id}});
    current_ = std::make_shared<const Credentials>(std::move(*made));
  } else {
    not_before_ = fetched_at_ + std::min(back_off_max, Seconds(1U << std::min(failures_, 8U)));
    // The first of an outage, and then the 2nd, 4th, 8th ...
    ++failures_;
    if ((failures_ & (failures_ - 1)) == 0) log::error("aws_credentials_failed", {{"problem", error}});
  }
  const bool usable = current_ && fetched_at_ < current_->expires;
  for (const Done& done : std::exchange(waiting_, {})) done(usable ? current_ : nullptr, error_);
}

}  // namespace pgweir::aws
