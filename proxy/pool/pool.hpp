// One pool: the backends of one (database, user), shared by all workers.
//
// This is what sessions and the owners of all pools ask of it. PoolState decides which session gets which
// backend, under the one mutex of PoolCore; the header of PoolCore says what that mutex guards, and which
// part of the pool does what. What sessions share without the mutex is PoolCommons. Thread rule: any worker's
// thread, unless said otherwise; `here` is the caller's worker.
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
  // Queues the waiter, and makes sure that backends are opened. `granted` may be set at once; otherwise the
  // session is woken when it is, or when refusal() is set.
  void wait(Waiter& waiter, Worker& here);
  // Leaves the queue; a backend that was granted in the meantime goes back to the pool.
  void stop_waiting(Waiter& waiter, Worker& here);
  // What a granted waiter got, attached to `here`; null when that was no longer alive.
  Backend* accept_grant(Waiter& waiter, Worker& here);

  // Gives a backend back. It must be settled and clean, and no Waker may watch it.
  void release(Backend& backend, Worker& here) { give_back(core_, backend, here); }
  // Gives up a borrowed backend: it is closed, and its slot is free when the server has closed it too.
  void discard(Backend& backend, BackendClose reason, Worker& here) { give_up(core_, backend, reason, here); }
  // Sends a cancel request for a borrowed backend of this worker, at most one at a time. `done` owns what has
  // to live until the request is delivered, such as the socket of the client that asked.
  void cancel(Backend& backend, Worker& here, std::shared_ptr<void> done) {
    begin_cancel(core_, backend, here, std::move(done));
  }

  // Whether this is the password that the server took, not longer than `recheck` ago; for a user who is not
  // in the file.
  bool knows_password(const PasswordDigest& digest, TimePoint now, std::chrono::milliseconds recheck);
  // Lets the server judge a password by a login in one of this pool's places, and tells `proof`.
  Task<> prove(Worker& here, std::shared_ptr<Pool> self, config::Secret password, PasswordDigest digest,
               PasswordProofs::Ref proof);
  // Makes or keeps this the pool of a user who is not in the file. Its password stays.
  void pass_through(PoolTarget target, const config::Pool& settings, std::chrono::milliseconds forget_after);
  bool passes_through() const;
  // Whether the pool has been unused for so long that it may be removed.
  bool is_unused(TimePoint now);

  // Whether no backend can be had now, not even a new one.
  bool all_lent() const;
  bool has_waiters() const;
  // Why the server refuses pgweir for good, as far as known; empty otherwise, and while there are backends.
  std::optional<ServerRefusal> refusal() const;
  // Whether the server would let the pool's role log in now, as far as known.
  RoleVerdict role_verdict(TimePoint now, bool by_password) const;
  // Whether there are backends that could be asked about the role.
  bool has_backends() const;
  // Whether there is no backend, and the server, which once let the role in, has refused its password.
  bool is_shut_out() const;

  // The hub for clients with this client_encoding, made on `here` if there is none; null: the pool is gone.
  std::shared_ptr<ListenHub> hub(const std::string& encoding, Worker& here);
  std::vector<std::shared_ptr<ListenHub>> hubs() const { return core_.hubs.all(); }

  // Opens what is missing, closes what is too old. Called by every worker's janitor.
  void maintain(Worker& here) { keep_up(core_, here); }
  void reconfigure(PoolTarget target, const config::Pool& settings);
  // Makes every backend be replaced as it comes back: what a fresh login gets has changed.
  void recycle();
  // Does the same for all pools of this pool's server.
  void recycle_all();
  // No client may use the pool from now on: backends are closed as they come back.
  void retire();
  // Until resume(), no client gets a backend, and all backends are closed as they come back.
  void pause();
  void resume();
  // Whether a backend that is to be replaced still exists, or is being closed.
  bool has_outdated() const;
  // Closes every connection on the spot. The workers have stopped.
  void close();

  ServerAddress address() const;
  std::shared_ptr<const config::Pool> settings() const;
  PoolCounts counts() const;
  PoolFacts facts() const;  // without what counters tell
  void describe_idle(std::vector<ServerFacts>& out) const;

 private:
  friend struct PoolInside;  // of the unit tests, which put in what no login has opened

  PoolHost& host_;
  PoolCore core_;
};

}  // namespace pgweir
