#include "proxy/entry/role_check.hpp"

#include "config/settings.hpp"
#include "proxy/base/log.hpp"
#include "proxy/entry/session_context.hpp"
#include "proxy/pool/pool.hpp"
#include "proxy/pool/pool_registry.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {
namespace {

// A place in the pool's queue as long as this object lives; a backend that was granted goes back.
class Place {
 public:
  Place(Pool& pool, Worker& here, std::uint64_t session) : pool_(pool), here_(here) {
    waiter_.session = session;
    pool_.wait(waiter_, here_);
  }
  ~Place() { pool_.stop_waiting(waiter_, here_); }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  bool granted() const { return waiter_.granted != nullptr; }

 private:
  Pool& pool_;
  Worker& here_;
  Waiter waiter_;
};

// False also when the session has ended.
Task<bool> server_lets_in(SessionParts& p, Pool& pool) {
  const Place place(pool, p.worker, p.id);
  while (!place.granted()) {
    if (pool.refusal()) co_return false;
    if (p.life.interrupt || p.life.drains || p.link.transport.hung_up()) {
      p.life.end(p.life.drains      ? Reason::draining
                 : p.life.interrupt ? p.life.interrupt_of_server_wait()
                                    : Reason::client_closed);
      co_return false;
    }
    co_await p.waker.wait();
  }
  co_return true;
}

}  // namespace

// `reply` holds the last authentication message, which a refused client does not get.
Task<ClientLogin::Step> check_role(SessionParts& p, ClientLogin& login, ByteBuffer& reply) {
  constexpr auto admitted = ClientLogin::Step::authenticated;
  if (config::is_console_database(login.startup().database)) co_return admitted;
  const std::shared_ptr<Pool> pool = p.context.pools.find(login.startup().database, login.startup().user);
  if (!pool) co_return admitted;
  const RoleVerdict verdict = pool->role_verdict(p.worker.now(), login.by_password());
  std::string problem(to_string(verdict));
  const bool shut_out = login.by_password() && pool->is_shut_out();
  if (verdict == RoleVerdict::may && !shut_out) co_return admitted;
  if (!pool->has_backends()) {
    // There is no backend left to ask, so only a new login shows whether that is still so.
    const bool let_in = co_await server_lets_in(p, *pool);
    if (let_in || p.life.is_over()) co_return admitted;
    if (const std::optional<ServerRefusal> refusal = pool->refusal()) problem = refusal->message;
  }
  log::info("role_refused", {{"client", std::to_string(p.id)},
                             {"database", pool->database()},
                             {"user", pool->user()},
                             {"peer", p.link.peer},
                             {"problem", problem}});
  reply.clear();
  co_return login.role_refused();
}

}  // namespace pgweir
