#include "proxy/aws/aws.hpp"

#include <algorithm>

#include "proxy/aws/rds_token.hpp"

namespace pgweir::aws {

Aws::Aws(SecretStore::OnChange on_secrets)
    : credentials_(loop_, config::process_environment()),
      client_(loop_, credentials_),
      secrets_(loop_, client_, std::move(on_secrets)),
      callers_(loop_) {}

void Aws::configure(std::shared_ptr<const config::Settings> settings) {
  loop_.post([this, settings = std::move(settings)] {
    loop_.trust(settings->aws.ca_file);
    credentials_.configure(settings->aws);
    client_.configure(settings->aws);
    callers_.configure(settings->aws);
    secrets_.configure(*settings);
    tokens_.clear();
  });
}

void Aws::refresh_secret(std::string user, std::function<void()> done) {
  loop_.post([this, user = std::move(user), done = std::move(done)] { secrets_.refresh(user, done); });
}

void Aws::other_login(std::string user, std::string version,
                      std::function<void(std::optional<SecretLogin>)> done) {
  loop_.post([this, user = std::move(user), version = std::move(version), done = std::move(done)] {
    secrets_.other_login(user, version, done);
  });
}

void Aws::login_worked(std::string user, std::string version) {
  loop_.post(
      [this, user = std::move(user), version = std::move(version)] { secrets_.worked(user, version); });
}

void Aws::verify_caller(config::Secret token, std::vector<std::string> roles,
                        std::function<void(CallerVerdict)> done) {
  loop_.post([this, token = std::move(token), roles = std::move(roles), done = std::move(done)] {
    callers_.verify(token.reveal(), [this, roles, done](CallerVerdict verdict) {
      if (verdict.is_known() && std::find(roles.begin(), roles.end(), verdict.role) == roles.end()) {
        verdict.result = Verification::not_mapped;
        verdict.reason = verdict.role + " is not one of the user's iam.roles";
      }
      callers_.count(verdict.result);
      done(std::move(verdict));
    });
  });
}

void Aws::rds_token(std::string host, std::uint16_t port, std::string user, std::string region,
                    config::Secret refused, std::function<void(RdsToken)> done) {
  loop_.post([this, address = Address{std::move(host), port, std::move(user), std::move(region)},
              refused = std::move(refused), done = std::move(done)] {
    loop_.after(turn_of(address.host),
                [this, address, refused, done] { make_token(address, refused, done); });
  });
}

// Each login takes the next free place of its host.
std::chrono::milliseconds Aws::turn_of(const std::string& host) {
  constexpr std::chrono::milliseconds step{1'000 / logins_per_second};
  const auto now = std::chrono::steady_clock::now();
  // A burst of one second's worth passes at once.
  auto& next = turns_.try_emplace(host, now - std::chrono::seconds(1)).first->second;
  next = std::max(next, now - std::chrono::seconds(1)) + step;
  return std::max(std::chrono::milliseconds(0), std::chrono::ceil<std::chrono::milliseconds>(next - now));
}

void Aws::make_token(const Address& address, const config::Secret& refused,
                     std::function<void(RdsToken)> done) {
  credentials_.get([this, address, refused, done](const CredentialsRef& credentials,
                                                  const std::string& error) {
    if (!credentials) return done({{}, error});
    const Time now = std::chrono::system_clock::now();
    const std::string key = address.user + '@' + address.host + ':' + std::to_string(address.port);
    Cached& cached = tokens_[key];
    const auto age = now - cached.made_at;
    const bool was_refused = !refused.empty() && cached.token == refused;
    const bool usable = !cached.token.empty() && cached.credentials == credentials && age < token_use_max;
    if (was_refused && usable && age < token_retry_age)
      return done({{}, "a token that was made just now was refused"});
    if (!usable || was_refused) {
      cached = {
          pgweir::aws::rds_token(address.host, address.port, address.user, address.region, *credentials, now),
          credentials, now};
    }
    done({cached.token, {}});
  });
}

}  // namespace pgweir::aws
