#include "proxy/aws/client.hpp"

namespace pgweir::aws {

void Client::call(Service service, std::string target, std::string body, Done done) {
  start(std::make_shared<Call>(Call{service, std::move(target), std::move(body), std::move(done)}));
}

void Client::start(std::shared_ptr<Call> call) {
  credentials_.get([this, call](CredentialsRef credentials, const std::string& error) {
    if (credentials) return send(call, std::move(credentials));
    CallReply reply;
    reply.failure = {CallResult::no_credentials, error};
    call->done(std::move(reply));
  });
}

void Client::send(std::shared_ptr<Call> call, CredentialsRef credentials) {
  const std::string endpoint = endpoint_of(call->service, settings_);
  Signable signable;
  signable.method = "POST";
  signable.headers = {{"Host", authority_of(endpoint)},
                      {"Content-Type", "application/x-amz-json-1.1"},
                      {"X-Amz-Target", call->target}};
  signable.body = call->body;
  HttpRequest request;
  request.method = signable.method;
  request.url = endpoint + "/";
  request.headers = signable.headers;
  for (auto& header : sign(signable, {settings_.region, std::string(name_of(call->service))}, *credentials,
                           std::chrono::system_clock::now()))
    request.headers.push_back(std::move(header));
  request.body = std::move(signable.body);
  request.timeout = settings_.timeout;
  loop_.send(std::move(request), [this, call, credentials](HttpReply http) {
    CallReply reply;
    if (http.status == 0)
      reply.failure = {CallResult::unreachable, http.error};
    else if (http.status != 200)
      reply.failure = judge_failure(http.status, http.body);
    if (reply.failure.result == CallResult::expired && !call->again) {
      call->again = true;
      credentials_.drop(credentials);
      return start(call);
    }
    reply.http = std::move(http);
    call->done(std::move(reply));
  });
}

}  // namespace pgweir::aws
