// A client has proved who it is; would the server let its role in, too? Else it would come in by connections
// that were opened when that was so (CVE-2025-2291).
#include "proxy/base/log.hpp"
#include "proxy/pool/pool.hpp"
#include "proxy/pool/pool_registry.hpp"
#include "proxy/session/session.hpp"
#include "proxy/session/session_context.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {
namespace {

// A place in the pool's queue for as long as it lives; what was granted goes back.
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

}  // namespace

// `reply` is the last word of the authentication, which is not said to whom is refused.
Task<ClientLogin::Step> Session::check_role(ClientLogin& login, ByteBuffer& reply) {
  constexpr auto admitted = ClientLogin::Step::authenticated;
  if (is_console(login.startup().database)) co_return admitted;
  const std::shared_ptr<Pool> pool = context_.pools.find(login.startup().database, login.startup().user);
  if (!pool) co_return admitted;
  const RoleVerdict verdict = pool->role_verdict(worker_.now(), login.by_password());
  std::string problem(to_string(verdict));
  const bool shut_out = login.by_password() && pool->is_shut_out();
  if (verdict == RoleVerdict::may && !shut_out) co_return admitted;
  if (!pool->has_backends()) {
    // Nobody is left who could be asked whether that is still so, but by a login.
    const bool let_in = co_await server_lets_in(*pool);
    if (let_in || phase_ == Phase::closing) co_return admitted;
    if (const std::optional<ServerRefusal> refusal = pool->refusal()) problem = refusal->message;
  }
  log::info("role_refused", {{"client", std::to_string(id_)},
                             {"database", pool->database()},
                             {"user", pool->user()},
                             {"peer", peer_},
                             {"problem", problem}});
  reply.clear();
  co_return login.role_refused();
}

// False as well when the session has ended.
Task<bool> Session::server_lets_in(Pool& pool) {
  const Place place(pool, worker_, id_);
  while (!place.granted()) {
    if (pool.refusal()) co_return false;
    if (expired_ || drain_ || client_.hung_up()) {
      end(drain_ ? Reason::draining : expired_ ? Reason::server_unreachable : Reason::client_closed);
      co_return false;
    }
    co_await waker_.wait();
  }
  co_return true;
}

}  // namespace pgweir
