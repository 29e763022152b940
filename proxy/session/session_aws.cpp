// A login that AWS has a say in. The worker goes on with others while the AWS thread asks.
#include "proxy/aws/aws.hpp"
#include "proxy/base/log.hpp"
#include "proxy/net/awaited.hpp"
#include "proxy/session/session.hpp"
#include "proxy/session/session_context.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {
namespace {

// Each asks, and sees to it that the answer arrives on this worker.
void ask_about_token(Worker& here, aws::Aws& aws, const ClientLogin& login,
                     Awaited<aws::CallerVerdict>::Giver give) {
  const config::User* const user = here.snapshot().settings->find_user(login.startup().user);
  // A reload may have taken the user away meanwhile.
  aws.verify_caller(login.token(), user == nullptr ? std::vector<std::string>() : user->iam_roles,
                    [&here, give = std::move(give)](aws::CallerVerdict verdict) {
                      here.post([give, verdict = std::move(verdict)] { give(verdict); });
                    });
}

void ask_about_secret(Worker& here, const SessionContext& context, const ClientLogin& login,
                      Awaited<bool>::Giver give) {
  const auto& post_to_main = context.post_to_main;
  context.aws.refresh_secret(login.startup().user, [&here, &post_to_main, give = std::move(give)] {
    // After the snapshot that was made of what has come.
    post_to_main([&here, give] { here.post([give] { give(true); }); });
  });
}

}  // namespace

Task<ClientLogin::Step> Session::check_with_aws(ClientLogin& login, ClientLogin::Step step,
                                                ByteBuffer& reply) {
  const Awaited<aws::CallerVerdict> verdict(waker_);
  const Awaited<bool> secret(waker_);
  const bool by_token = step == ClientLogin::Step::check_token;
  if (by_token)
    ask_about_token(worker_, context_.aws, login, verdict.giver());
  else
    ask_about_secret(worker_, context_, login, secret.giver());
  while (!verdict.has_value() && !secret.has_value()) {
    if (expired_ || drain_) {
      end(expired_.value_or(Reason::draining));
      co_return step;
    }
    if (client_.hung_up()) {
      end(Reason::client_closed);
      co_return step;
    }
    co_await waker_.wait();
  }
  if (!by_token) {
    step = login.secret_checked(worker_.snapshot_ref(), reply);
    co_return step;
  }
  const bool proven = (*verdict).is_known();
  (proven ? log::debug : log::warning)("iam_login", {{"user", login.startup().user},
                                                     {"peer", peer_},
                                                     {"result", to_string((*verdict).result)},
                                                     {"role", (*verdict).role},
                                                     {"problem", (*verdict).reason}});
  co_return login.token_checked(proven);
}

}  // namespace pgweir
