// One pool: the backends of one (database, user), shared by all workers.
//
// PoolState decides, under one small mutex; this class acts: it opens backends, moves them between workers,
// hands them to waiters and sees off those that have to go. Nothing is sent, received, allocated or logged
// under the mutex on the path of a query. Thread rule: any worker's thread, unless said otherwise; `here` is
// the caller's worker.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "config/settings.hpp"
#include "proxy/backend/backend.hpp"
#include "proxy/backend/opener.hpp"
#include "proxy/backend/role_standing.hpp"
#include "proxy/base/counters.hpp"
#include "proxy/base/facts.hpp"
#include "proxy/code/code_catalog.hpp"
#include "proxy/login/known_logins.hpp"
#include "proxy/login/password_proofs.hpp"
#include "proxy/net/task.hpp"
#include "proxy/pool/login_outcomes.hpp"
#include "proxy/pool/pass_through.hpp"
#include "proxy/pool/pool_context.hpp"
#include "proxy/pool/pool_hubs.hpp"
#include "proxy/pool/pool_state.hpp"
#include "proxy/pool/statement_cache.hpp"

namespace pgweir {

class PoolHost;
class Worker;

// A cancel request that takes longer is given up, and its backend with it.
constexpr std::chrono::milliseconds cancel_timeout{5'000};

class Pool : public std::enable_shared_from_this<Pool> {
 public:
  Pool(PoolHost& host, const PoolContext& context, std::string database, PoolTarget target,
       config::Pool settings);

  // An idle backend, attached to `here` and found alive; null: wait in the queue.
  Backend* try_borrow(Worker& here);
  // Queues and sees to it that backends are opened. `granted` may be set at once; otherwise the waiter's
  // session is woken when it is, or when refusal() is set.
  void wait(Waiter& waiter, Worker& here);
  // Leaves the queue; a backend that was granted in the meantime goes back to the pool.
  void stop_waiting(Waiter& waiter, Worker& here);
  // What a granted waiter got, attached to `here`; null when it was not alive any more.
  Backend* accept_grant(Waiter& waiter, Worker& here);

  // Of a user who is not in the file (pool_proof.cpp). Is this the password that the server took, not longer
  // than `recheck` ago?
  bool knows_password(const PasswordDigest& digest, TimePoint now, std::chrono::milliseconds recheck);
  // Lets the server judge a password by a login in one of this pool's places, and tells `proof`.
  Task<> prove(Worker& here, std::shared_ptr<Pool> self, config::Secret password, PasswordDigest digest,
               PasswordProofs::Ref proof);
  // This is the pool of a user who is not in the file, from now on or still. Its password stays.
  void pass_through(PoolTarget target, config::Pool settings, std::chrono::milliseconds forget_after);
  bool passes_through() const;
  // Nobody has used it for so long that it may go.
  bool is_unused(TimePoint now);

  // Gives a backend back. It must be settled and clean, and nobody's Waker may watch it.
  void release(Backend& backend, Worker& here);
  // Gives up a borrowed backend: it is closed, and its slot is free when the server has closed it too.
  void discard(Backend& backend, BackendClose reason, Worker& here);

  // A cancel request for a borrowed backend of this worker, at most one at a time. `done` owns what has to
  // live until it is delivered, such as the socket of the client that asked.
  void cancel(Backend& backend, Worker& here, std::shared_ptr<void> done);

  // Opens what is missing, closes what is too old. Called by every worker's janitor.
  void maintain(Worker& here);

  // What clients are told at their login.
  KnownLogins& logins() { return logins_; }
  // No backend can be had now, not even a new one.
  bool all_lent() const;
  // Why the server refuses us for good, as far as known; empty otherwise, and while there are backends.
  std::optional<ServerRefusal> refusal() const;
  bool has_waiters() const;

  // Whether the server would let its role in now, as far as known.
  RoleVerdict role_verdict(TimePoint now, bool by_password) const;
  // There are backends that could be asked about the role.
  bool has_backends() const;
  // There is none, and the server, which once let the role in, has refused its password.
  bool is_shut_out() const;

  // The hub for clients with this client_encoding, made on `here` if there is none; null: the pool is gone.
  std::shared_ptr<ListenHub> hub(const std::string& encoding, Worker& here);
  std::vector<std::shared_ptr<ListenHub>> hubs() const { return hubs_.all(); }

  void reconfigure(PoolTarget target, config::Pool settings);
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

  const std::string& database() const { return database_; }
  const std::string& user() const { return user_; }
  ServerAddress address() const;
  std::shared_ptr<const config::Pool> settings() const;
  PoolCounts counts() const;
  PoolFacts facts() const;  // without what counters tell
  // Of a backend that the caller has borrowed.
  ServerFacts facts_of(const Backend& backend) const;
  void describe_idle(std::vector<ServerFacts>& out) const;
  bool has_clients() const;
  StatementCache& statements() { return statements_; }
  // The question about settings by their names, see names_query().
  const StatementRef& names_question() const { return names_question_; }
  // Of the database, shared with all its pools.
  std::shared_ptr<SchemaVersion> schema_version() const;
  CodeCatalog& code() { return code_; }
  // What a client has proved with, for a user of whom there is a verifier but no password.
  void keep_client_keys(ByteView salt, std::uint32_t iterations, const ScramKeys& keys) {
    scram_keys_->store({}, salt, iterations, keys);
  }
  PoolCounters& counters(const Worker& worker);
  const std::vector<std::unique_ptr<PoolCounters>>& all_counters() const { return counters_; }
  MapRef no_settings() const { return no_settings_; }

 private:
  std::shared_ptr<SchemaVersion> schema_of(const PoolTarget& target) const;
  Task<> open_one(Worker& here, std::shared_ptr<Pool> self);
  Task<> ask_role(Worker& here, std::shared_ptr<Pool> self, std::shared_ptr<Backend> backend);
  Task<> see_off(Worker& here, std::shared_ptr<Pool> self, std::shared_ptr<Backend> backend);
  Task<> deliver_cancel(Worker& here, std::shared_ptr<Pool> self, std::shared_ptr<Backend> backend,
                        std::shared_ptr<void> done);

  Task<bool> take_place(Worker& here);
  Task<PasswordVerdict> judge_by_login(Worker& here, config::Secret password, PasswordDigest digest);
  void take_judgement(const PasswordVerdict& judgement, const std::shared_ptr<const PoolTarget>& target,
                      const PasswordDigest& digest, TimePoint now);
  void proof_failed(std::shared_ptr<Backend> backend, Worker& here);
  void note_login(const std::shared_ptr<const PoolTarget>& target, const Opened& opened, TimePoint now);
  void forget_password();
  void change_to(PoolTarget target, const config::Pool& settings);
  bool begin_role_check(const Backend& backend, TimePoint now);  // under the mutex
  void take_role_answer(const RoleAnswer& answer, Worker& here);
  void put_back(Backend& backend, Worker& here);
  static bool is_silent(const Backend& backend, const Worker& here);
  bool settle_here(Backend& backend, Worker& here);
  bool absorb_idle_input(Backend& backend, Worker& here);
  void open_missing(Worker& here);
  void opened_backend(std::shared_ptr<Backend> backend, Worker& here);
  void open_failed(ServerRefusal refusal, Worker& here);
  void hand_over(Backend& backend, Waiter& waiter, Worker& here);
  void see_off_later(Backend& backend, BackendClose reason, Worker& here);
  void wake_all_waiters(Worker& here);
  void retry_later(Worker& here, TimePoint at);
  static PoolLimits limits_of(const config::Pool& settings);
  bool refuses() const;  // under the mutex

  PoolHost& host_;
  const PoolContext context_;
  const std::string database_;
  const std::string user_;
  const MapRef no_settings_;
  KnownLogins logins_;
  StatementCache statements_;
  const StatementRef names_question_;
  CodeCatalog code_;
  PoolHubs hubs_;
  std::vector<std::unique_ptr<PoolCounters>> counters_;  // by worker

  mutable std::mutex mutex_;
  PoolState state_;
  std::unordered_map<PoolMember*, std::shared_ptr<Backend>> members_;
  std::shared_ptr<const config::Pool> settings_;
  std::shared_ptr<const PoolTarget> target_;
  std::shared_ptr<SchemaVersion> schema_version_;
  TimePoint code_since_{};  // when what is known of functions was last forgotten for its age
  RoleStanding standing_;
  LoginOutcomes outcomes_;
  PassThrough passing_;
  bool retired_ = false;
  const std::shared_ptr<ScramKeyCache> scram_keys_ = std::make_shared<ScramKeyCache>();
};

}  // namespace pgweir
