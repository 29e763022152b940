#include "proxy/backend/pool_login.hpp"

#include "protocol/sqlstate.hpp"
#include "proxy/aws/aws.hpp"
#include "proxy/net/awaited.hpp"
#include "proxy/worker/connect.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {
namespace {

using TargetRef = std::shared_ptr<const PoolTarget>;
using MaybeLogin = std::optional<SecretLogin>;

// How many versions of a secret are tried for one backend: the one that the pool knows, the current one, the
// pending one.
constexpr unsigned versions_max = 3;

constexpr char no_secret[] = "the secret of this user could not be read yet; the log says why";

// The secret's other version; nullopt also when it has not come in time.
Task<MaybeLogin> other_login(Worker& here, aws::Aws& aws, TargetRef target, std::chrono::milliseconds limit) {
  TimedWaker clock(here, limit);
  const Awaited<MaybeLogin> answer(clock.waker());
  auto give = answer.giver();
  aws.other_login(target->secret_of, target->secret_version, [&here, give](MaybeLogin login) {
    here.post([give, login = std::move(login)] { give(login); });
  });
  while (!answer.has_value() && !clock.expired()) co_await clock.waker().wait();
  co_return answer.has_value() ? *answer : MaybeLogin();
}

Task<aws::RdsToken> rds_token(Worker& here, aws::Aws& aws, TargetRef target, config::Secret refused,
                              std::chrono::milliseconds limit) {
  TimedWaker clock(here, limit);
  const Awaited<aws::RdsToken> answer(clock.waker());
  auto give = answer.giver();
  aws.rds_token(
      target->address.host, target->address.port, target->user, target->iam_region, std::move(refused),
      [&here, give](aws::RdsToken token) { here.post([give, token = std::move(token)] { give(token); }); });
  while (!answer.has_value() && !clock.expired()) co_await clock.waker().wait();
  if (answer.has_value()) co_return *answer;
  co_return aws::RdsToken{{}, "AWS gave no credentials in time"};
}

TargetRef with_password(const PoolTarget& target, config::Secret password) {
  PoolTarget made = target;
  made.password = std::move(password);
  return std::make_shared<const PoolTarget>(std::move(made));
}

TargetRef with_login(const PoolTarget& target, const SecretLogin& login) {
  PoolTarget made = target;
  made.user = login.user;
  made.password = login.password;
  made.secret_version = login.version;
  return std::make_shared<const PoolTarget>(std::move(made));
}

Task<Opened> log_in_by_secret(Worker& here, aws::Aws& aws, TargetRef target,
                              std::shared_ptr<const config::Pool> settings,
                              std::shared_ptr<ScramKeyCache> keys) {
  Opened opened = Opened::failed(BackendLoginResult::refused, no_secret);
  for (unsigned attempt = 0; attempt < versions_max; ++attempt) {
    if (!target->password.empty()) {
      opened = co_await open_backend(here, target, settings, keys);
      if (opened.backend && attempt > 0) aws.login_worked(target->secret_of, target->secret_version);
      if (opened.backend || !refuses_password(opened.refusal)) break;
    }
    const MaybeLogin other = co_await other_login(here, aws, target, settings->connect_timeout);
    if (!other) break;
    target = with_login(*target, *other);
  }
  co_return opened;
}

Task<Opened> log_in_by_token(Worker& here, aws::Aws& aws, TargetRef target,
                             std::shared_ptr<const config::Pool> settings,
                             std::shared_ptr<ScramKeyCache> keys) {
  const aws::RdsToken first = co_await rds_token(here, aws, target, {}, settings->connect_timeout);
  if (first.token.empty()) co_return Opened::failed(BackendLoginResult::refused, "IAM: " + first.error);
  Opened opened = co_await open_backend(here, with_password(*target, first.token), settings, keys);
  if (opened.backend || !refuses_password(opened.refusal)) co_return opened;
  const aws::RdsToken second = co_await rds_token(here, aws, target, first.token, settings->connect_timeout);
  if (second.token.empty()) co_return opened;
  opened = co_await open_backend(here, with_password(*target, second.token), settings, keys);
  co_return opened;
}

}  // namespace

bool refuses_password(const ServerRefusal& refusal) {
  return refusal.sqlstate == sqlstate::invalid_password ||
         refusal.sqlstate == sqlstate::invalid_authorization_specification;
}

Task<Opened> log_in(Worker& here, aws::Aws& aws, TargetRef target,
                    std::shared_ptr<const config::Pool> settings, std::shared_ptr<ScramKeyCache> keys) {
  if (!target->iam_region.empty()) return log_in_by_token(here, aws, target, settings, keys);
  if (!target->secret_of.empty()) return log_in_by_secret(here, aws, target, settings, keys);
  return open_backend(here, target, settings, keys);
}

}  // namespace pgweir
