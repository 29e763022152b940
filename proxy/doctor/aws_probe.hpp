// Questions to AWS, asked as pgweir itself asks them, each only once. The caller waits for the answers.
#pragma once

#include <future>
#include <map>
#include <optional>
#include <string>

#include "proxy/aws/client.hpp"

namespace pgweir::doctor {

// How one signed call went, with both clocks at that moment.
struct AwsAnswer {
  std::string what;  // "secretsmanager GetSecretValue prod/app/db"
  aws::CallFailure failure;
  aws::Time here = {};
  aws::Time there = {};  // epoch: AWS said nothing

  bool is_ok() const { return failure.result == aws::CallResult::ok; }
  // Whether AWS itself has answered, if only with an error.
  bool is_answered() const { return is_ok() || !failure.name.empty(); }
};

struct SecretReading {
  std::string name;
  bool is_parameter = false;
  AwsAnswer answer;
  std::optional<aws::SecretVersion> version;  // nullopt with an `ok` answer: the secret's text is `unusable`
  std::string unusable;
};

// The identity that pgweir has for AWS.
struct Identity {
  AwsAnswer answer;
  std::string arn;  // empty: not told
  std::string partition = "aws";
  std::string account = "ACCOUNT";
  std::string role = "ROLE";  // a user's name if it `is_user`
  bool is_user = false;
};

class AwsProbe {
 public:
  explicit AwsProbe(const config::Aws& settings);
  ~AwsProbe() { loop_.stop(); }  // before the objects that it calls are destroyed
  AwsProbe(const AwsProbe&) = delete;
  AwsProbe& operator=(const AwsProbe&) = delete;

  struct Signer {
    aws::CredentialsRef credentials;  // null: `error` says why
    std::string error;
  };
  const Signer& signer();
  const Identity& identity();
  // `stage` is of no use to parameters.
  const SecretReading& read(const config::User& user, const std::string& stage = "AWSCURRENT");
  // Sends a request that is not signed, for the metadata services.
  aws::HttpReply fetch(aws::HttpRequest request);

 private:
  template <class Answer>
  Answer wait_for(std::function<void(std::function<void(Answer)>)> ask, Answer late);

  const config::Aws settings_;
  aws::HttpLoop loop_;
  aws::CredentialsChain chain_;
  aws::Client client_;
  std::optional<Signer> signer_;
  std::optional<Identity> identity_;
  std::map<std::string, SecretReading> readings_;
};

// Whether pgweir signs anything itself by this configuration. Tokens of clients come signed.
bool signs_requests(const config::Settings& settings);

}  // namespace pgweir::doctor
