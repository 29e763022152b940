// One pool: the backends of one (database, user), shared by all workers.
//
// This is what sessions and those who look after all pools ask of it. PoolState decides who gets which
// backend, under the one mutex of PoolCore, whose header says what that guards and which part of the pool does
// what. What sessions share without it is PoolCommons. Thread rule: any worker's thread, unless said
// otherwise; `here` is the caller's worker.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/settings.hpp"
#include "proxy/net/task.hpp"
#include "proxy/pool/pool_cancel.hpp"
#include "proxy/pool/pool_commons.hpp"
#include "proxy/pool/pool_core.hpp"
#include "proxy/pool/pool_return.hpp"
#include "proxy/pool/pool_supply.hpp"
#include "proxy/pool/pool_upkeep.hpp"

namespace pgweir {

class PoolHost;

class Pool final : public PoolCommons {
 public:
  Pool(PoolHost& host, const PoolContext& context, const std::string& database, const PoolTarget& target,
       const config::Pool& settings);

  // An idle backend, attached to `here` and found alive; null: wait in the queue.
  Backend* try_borrow(Worker& here);
  // Queues and sees to it that backends are opened. `granted` may be set at once; otherwise the waiter's
  // session is woken when it is, or when refusal() is set.
  void wait(Waiter& waiter, Worker& here);
  // Leaves the queue; a backend that was granted in the meantime goes back to the pool.
  void stop_waiting(Waiter& waiter, Worker& here);
  // What a granted waiter got, attached to `here`; null when it was not alive any more.
  Backend* accept_grant(Waiter& waiter, Worker& here);

  // Gives a backend back. It must be settled and clean, and nobody's Waker may watch it.
  void release(Backend& backend, Worker& here) { give_back(core_, backend, here); }
  // Gives up a borrowed backend: it is closed, and its slot is free when the server has closed it too.
  void discard(Backend& backend, BackendClose reason, Worker& here) { give_up(core_, backend, reason, here); }
  // A cancel request for a borrowed backend of this worker, at most one at a time. `done` owns what has to
  // live until it is delivered, such as the socket of the client that asked.
  void cancel(Backend& backend, Worker& here, std::shared_ptr<void> done) {
    begin_cancel(core_, backend, here, std::move(done));
  }

  // Of a user who is not in the file. Is this the password that the server took, not longer than `recheck`
  // ago?
  bool knows_password(const PasswordDigest& digest, TimePoint now, std::chrono::milliseconds recheck);
  // Lets the server judge a password by a login in one of this pool's places, and tells `proof`.
  Task<> prove(Worker& here, std::shared_ptr<Pool> self, config::Secret password, PasswordDigest digest,
               PasswordProofs::Ref proof);
  // This is the pool of a user who is not in the file, from now on or still. Its password stays.
  void pass_through(PoolTarget target, const config::Pool& settings, std::chrono::milliseconds forget_after);
  bool passes_through() const;
  // Nobody has used it for so long that it may go.
  bool is_unused(TimePoint now);

  // No backend can be had now, not even a new one.
  bool all_lent() const;
  bool has_waiters() const;
  // Why the server refuses us for good, as far as known; empty otherwise, and while there are backends.
  std::optional<ServerRefusal> refusal() const;
  // Whether the server would let its role in now, as far as known.
  RoleVerdict role_verdict(TimePoint now, bool by_password) const;
  // There are backends that could be asked about the role.
  bool has_backends() const;
  // There is none, and the server, which once let the role in, has refused its password.
  bool is_shut_out() const;

  // The hub for clients with this client_encoding, made on `here` if there is none; null: the pool is gone.
  std::shared_ptr<ListenHub> hub(const std::string& encoding, Worker& here);
  std::vector<std::shared_ptr<ListenHub>> hubs() const { return core_.hubs.all(); }

  // Opens what is missing, closes what is too old. Called by every worker's janitor.
  void maintain(Worker& here) { keep_up(core_, here); }
  void reconfigure(PoolTarget target, const config::Pool& settings);
  // Every backend is replaced as it comes back: what a fresh login gets has changed.
  void recycle();
  // The same for all pools of its server.
  void recycle_all();
  // No client may use it any more: backends are closed as they come back.
  void retire();
  // Nobody gets a backend, and all are closed as they come back, until resume().
  void pause();
  void resume();
  // A backend that is to be replaced still exists, or is being closed.
  bool has_outdated() const;
  // Closes every connection on the spot. No worker runs any more.
  void close();

  ServerAddress address() const;
  std::shared_ptr<const config::Pool> settings() const;
  PoolCounts counts() const;
  PoolFacts facts() const;  // without what counters tell
  void describe_idle(std::vector<ServerFacts>& out) const;

 private:
  PoolHost& host_;
  PoolCore core_;
};

}  // namespace pgweir
