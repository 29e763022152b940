// A client that is not in the file has told its password, and the server is to judge it. Whatever the pool
// has, nobody comes in without a password that the server has taken.
#include "config/pass_through.hpp"
#include "proxy/pool/pool.hpp"
#include "proxy/pool/pool_registry.hpp"
#include "proxy/session/session.hpp"
#include "proxy/session/session_context.hpp"
#include "proxy/worker/spawn.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {
namespace {

using Kind = PasswordProofs::Attempt::Kind;

}  // namespace

Task<ClientLogin::Step> Session::prove_password(ClientLogin& login) {
  const std::string& database = login.startup().database;
  const std::string& user = login.startup().user;
  // As PostgreSQL does; an empty one would also be none.
  if (login.password().empty()) co_return login.password_judged(false);
  const PasswordDigest digest = context_.proofs.digest(database, user, login.password());
  PasswordProofs::Attempt attempt;
  for (;;) {
    if (expired_ || drain_ || client_.hung_up()) {
      end(drain_ ? Reason::draining : expired_ ? *expired_ : Reason::client_closed);
      co_return ClientLogin::Step::refused;
    }
    if (!attempt.proof) {
      const config::Database* const entry =
          config::pass_through_of(*worker_.snapshot().settings, database, user);
      if (entry == nullptr) co_return login.password_judged(false);
      const std::shared_ptr<Pool> pool = context_.pools.find(database, user);
      if (pool && pool->knows_password(digest, worker_.now(), entry->pass_through.recheck)) {
        context_.proofs.note_known();
        co_return login.password_judged(true);
      }
      attempt = begin_proof(login, *entry, digest);
      if (attempt.kind == Kind::refused) co_return login.password_judged(false);
    }
    if (attempt.proof) {
      if (const auto judgement = context_.proofs.judgement(attempt.proof)) {
        if (judgement->kind != PasswordVerdict::Kind::unknown)
          co_return login.password_judged(judgement->kind == PasswordVerdict::Kind::right);
        end(Reason::server_unreachable, "the password cannot be checked: " + judgement->message);
        co_return ClientLogin::Step::refused;
      }
    }
    wakes_each_tick_ = true;
    co_await waker_.wait();
    wakes_each_tick_ = false;
  }
}

PasswordProofs::Attempt Session::begin_proof(const ClientLogin& login, const config::Database& entry,
                                             const PasswordDigest& digest) {
  const PasswordProofs::Subject subject{entry.name, login.startup().database, login.startup().user,
                                        entry.pass_through.max_unproven, entry.pool.max_logins};
  PasswordProofs::Attempt attempt =
      context_.proofs.begin(subject, digest, SessionAddress{worker_.index(), id_}, worker_.now());
  if (attempt.kind != Kind::begun) return attempt;
  const std::shared_ptr<Pool> pool =
      context_.pools.candidate(worker_.snapshot(), entry, login.startup().database, login.startup().user);
  spawn(worker_, pool->prove(worker_, pool, login.password(), digest, attempt.proof));
  return attempt;
}

}  // namespace pgweir
