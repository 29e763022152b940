// Signed calls to services of AWS that speak JSON over POST. Thread rule: the HttpLoop's thread.
#pragma once

#include <functional>
#include <string>

#include "proxy/aws/credentials_chain.hpp"
#include "proxy/aws/endpoints.hpp"
#include "proxy/aws/secret_value.hpp"

namespace pgweir::aws {

struct CallReply {
  CallFailure failure{CallResult::ok, {}};
  HttpReply http;  // its body counts with `ok` only
};

class Client {
 public:
  using Done = std::function<void(CallReply)>;

  Client(HttpLoop& loop, CredentialsChain& credentials) : loop_(loop), credentials_(credentials) {}
  void configure(const config::Aws& settings) { settings_ = settings; }

  // `target` as in X-Amz-Target. The call is tried once more, with fresh credentials, when these have
  // expired.
  void call(Service service, std::string target, std::string body, Done done);

 private:
  struct Call {
    Service service;
    std::string target;
    std::string body;
    Done done;
    bool again = false;
  };
  void start(std::shared_ptr<Call> call);
  void send(std::shared_ptr<Call> call, CredentialsRef credentials);

  HttpLoop& loop_;
  CredentialsChain& credentials_;
  config::Aws settings_;
};

}  // namespace pgweir::aws
