#include "proxy/entry/aws_check.hpp"

#include "proxy/aws/aws.hpp"
#include "proxy/base/log.hpp"
#include "proxy/entry/session_context.hpp"
#include "proxy/net/awaited.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {
namespace {

// Each of these asks, and makes the answer arrive on this worker.
void ask_about_token(Worker& here, aws::Aws& aws, const ClientLogin& login,
                     Awaited<aws::CallerVerdict>::Giver give) {
  const config::User* const user = here.snapshot().settings->find_user(login.startup().user);
  // Meanwhile a reload may have removed the user.
  aws.verify_caller(login.token(), user == nullptr ? std::vector<std::string>() : user->iam_roles,
                    [&here, give = std::move(give)](aws::CallerVerdict verdict) {
                      here.post([give, verdict = std::move(verdict)] { give(verdict); });
                    });
}

void ask_about_secret(Worker& here, const SessionContext& context, const ClientLogin& login,
                      Awaited<bool>::Giver give) {
  const auto& post_to_main = context.post_to_main;
  context.aws.refresh_secret(login.startup().user, [&here, &post_to_main, give = std::move(give)] {
    // The answer comes after the snapshot that holds the new secret.
    post_to_main([&here, give] { here.post([give] { give(true); }); });
  });
}

}  // namespace

Task<ClientLogin::Step> check_with_aws(SessionParts& p, ClientLogin& login, ClientLogin::Step step,
                                       ByteBuffer& reply) {
  const Awaited<aws::CallerVerdict> verdict(p.waker);
  const Awaited<bool> secret(p.waker);
  const bool by_token = step == ClientLogin::Step::check_token;
  if (by_token)
    ask_about_token(p.worker, p.context.aws, login, verdict.giver());
  else
    ask_about_secret(p.worker, p.context, login, secret.giver());
  while (!verdict.has_value() && !secret.has_value()) {
    if (p.life.interrupt || p.life.drains) {
      p.life.end(p.life.interrupt.value_or(Reason::draining));
      co_return step;
    }
    if (p.link.transport.hung_up()) {
      p.life.end(Reason::client_closed);
      co_return step;
    }
    co_await p.waker.wait();
  }
  if (!by_token) {
    step = login.secret_checked(p.worker.snapshot_ref(), reply);
    co_return step;
  }
  const bool proven = (*verdict).is_known();
  (proven ? log::debug : log::warning)("iam_login", {{"user", login.startup().user},
                                                     {"peer", p.link.peer},
                                                     {"result", to_string((*verdict).result)},
                                                     {"role", (*verdict).role},
                                                     {"problem", (*verdict).reason}});
  co_return login.token_checked(proven);
}

}  // namespace pgweir
