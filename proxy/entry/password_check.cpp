#include "proxy/entry/password_check.hpp"

#include "config/pass_through.hpp"
#include "proxy/entry/session_context.hpp"
#include "proxy/login/password_proofs.hpp"
#include "proxy/pool/pool.hpp"
#include "proxy/pool/pool_registry.hpp"
#include "proxy/worker/spawn.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {
namespace {

using Kind = PasswordProofs::Attempt::Kind;

PasswordProofs::Attempt begin_proof(SessionParts& p, const ClientLogin& login, const config::Database& entry,
                                    const PasswordDigest& digest) {
  const PasswordProofs::Subject subject{entry.name, login.startup().database, login.startup().user,
                                        entry.pass_through.max_unproven, entry.pool.max_logins};
  PasswordProofs::Attempt attempt =
      p.context.proofs.begin(subject, digest, SessionAddress{p.worker.index(), p.id}, p.worker.now());
  if (attempt.kind != Kind::begun) return attempt;
  const std::shared_ptr<Pool> pool =
      p.context.pools.candidate(p.worker.snapshot(), entry, login.startup().database, login.startup().user);
  spawn(p.worker, pool->prove(p.worker, pool, login.password(), digest, attempt.proof));
  return attempt;
}

}  // namespace

Task<ClientLogin::Step> prove_password(SessionParts& p, ClientLogin& login) {
  const std::string& database = login.startup().database;
  const std::string& user = login.startup().user;
  // PostgreSQL refuses an empty password as well.
  if (login.password().empty()) co_return login.password_judged(false);
  const PasswordDigest digest = p.context.proofs.digest(database, user, login.password());
  PasswordProofs::Attempt attempt;
  for (;;) {
    if (p.life.interrupt || p.life.drains || p.link.transport.hung_up()) {
      p.life.end(p.life.drains      ? Reason::draining
                 : p.life.interrupt ? *p.life.interrupt
                                    : Reason::client_closed);
      co_return ClientLogin::Step::refused;
    }
    if (!attempt.proof) {
      const config::Database* const entry =
          config::pass_through_of(*p.worker.snapshot().settings, database, user);
      if (entry == nullptr) co_return login.password_judged(false);
      const std::shared_ptr<Pool> pool = p.context.pools.find(database, user);
      if (pool && pool->knows_password(digest, p.worker.now(), entry->pass_through.recheck)) {
        p.context.proofs.note_known();
        co_return login.password_judged(true);
      }
      attempt = begin_proof(p, login, *entry, digest);
      if (attempt.kind == Kind::refused) co_return login.password_judged(false);
    }
    if (attempt.proof) {
      if (const auto judgement = p.context.proofs.judgement(attempt.proof)) {
        if (judgement->kind != PasswordVerdict::Kind::unknown)
          co_return login.password_judged(judgement->kind == PasswordVerdict::Kind::right);
        p.life.end(Reason::server_unreachable, "the password cannot be checked: " + judgement->message);
        co_return ClientLogin::Step::refused;
      }
    }
    p.life.wakes_each_tick = true;
    co_await p.waker.wait();
    p.life.wakes_each_tick = false;
  }
}

}  // namespace pgweir
