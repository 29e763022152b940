// Asks AWS for the rest of the process: for secrets of users, for tokens for RDS, and who a client is. The
// work is done on a thread of its own, which starts when it is first needed.
//
// Thread rule: any thread. Callbacks come on the AWS thread and must not block it; one that is for a worker
// posts to it. No callback comes after stop().
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proxy/aws/caller_identity.hpp"
#include "proxy/aws/client.hpp"
#include "proxy/aws/credentials_chain.hpp"
#include "proxy/aws/http_loop.hpp"
#include "proxy/aws/secret_store.hpp"
#include "proxy/login/user_secrets.hpp"

namespace pgweir::aws {

// A token for RDS, or why there is none.
struct RdsToken {
  config::Secret token;
  std::string error;
};

class Aws {
 public:
  // A token serves new logins for this long, of the 15 minutes that it is valid.
  static constexpr std::chrono::seconds token_use_max{600};
  // A token that was refused is made anew if it is older than this; if not, a new one would not help.
  static constexpr std::chrono::seconds token_retry_age{30};
  // AWS asks for less than 200 logins in a second for one database; pgweir makes this many.
  static constexpr unsigned logins_per_second = 20;

  explicit Aws(SecretStore::OnChange on_secrets);
  // At the start and after each reload.
  void configure(std::shared_ptr<const config::Settings> settings);
  void stop() { loop_.stop(); }

  // A password of this user was refused to a client: `done` when its secret has been read again.
  void refresh_secret(std::string user, std::function<void()> done);
  // The server has refused that version: what to try instead; nullopt: there is nothing.
  void other_login(std::string user, std::string version,
                   std::function<void(std::optional<SecretLogin>)> done);
  void login_worked(std::string user, std::string version);

  // To log in as `user` at this address of `region`. Comes when it is this login's turn. `refused`: the token
  // that the server has not taken, or empty.
  void rds_token(std::string host, std::uint16_t port, std::string user, std::string region,
                 config::Secret refused, std::function<void(RdsToken)> done);

  // Whether a client's token proves one of the roles. `done` gets what is to be logged, too.
  void verify_caller(config::Secret token, std::vector<std::string> roles,
                     std::function<void(CallerVerdict)> done);

  SecretStore::Stats secret_stats() const { return secrets_.stats(); }
  std::array<std::uint64_t, verification_count> verification_stats() const { return callers_.stats(); }
  std::int64_t credentials_expire() const { return credentials_.expires(); }

 private:
  struct Cached {
    config::Secret token;
    CredentialsRef credentials;
    Time made_at;
  };
  struct Address {
    std::string host;
    std::uint16_t port;
    std::string user;
    std::string region;
  };

  void make_token(const Address& address, const config::Secret& refused, std::function<void(RdsToken)> done);
  std::chrono::milliseconds turn_of(const std::string& host);

  HttpLoop loop_;
  CredentialsChain credentials_;
  Client client_;
  SecretStore secrets_;
  CallerIdentity callers_;
  std::map<std::string, Cached> tokens_;  // by address and user
  std::map<std::string, std::chrono::steady_clock::time_point>
      turns_;  // by host: when the next login may begin
};

}  // namespace pgweir::aws
