// The core of a pool whose workers do not run, so that what it begins stays undone: for tests of decisions.
#pragma once

#include <string>
#include <vector>

#include "proxy/aws/aws.hpp"
#include "proxy/pool/pool_core.hpp"
#include "proxy/state/schema_version.hpp"
#include "proxy/worker/session_waker.hpp"
#include "proxy/worker/workers.hpp"

namespace pgweir::testing {

struct NoNotifications final : NotificationSink {
  void deliver(unsigned, std::span<const std::uint64_t>, const std::shared_ptr<const ByteBuffer>&) override {}
  void listen_answered(unsigned, std::uint64_t, ListenOutcome) override {}
  void listening_lost(unsigned, std::uint64_t) override {}
};

struct WokenSessions final : SessionWaker {
  void wake(const SessionAddress& session, const Worker&) override { woken.push_back(session.session); }
  std::vector<std::uint64_t> woken;
};

struct TestCommons final : PoolCommons {
  explicit TestCommons(const Workers& workers) : PoolCommons(workers, "app", "anna") {}
};

inline PoolTarget first_target() {
  return {{"db", 5432}, "app", "anna", config::Secret("first"), nullptr, false, "anna", "v1"};
}

struct QuietPool {
  explicit QuietPool(unsigned worker_count = 1) {
    const SnapshotRef snapshot = make_snapshot(std::make_shared<config::Settings>(), nullptr);
    for (unsigned i = 0; i < worker_count; ++i)
      workers.list.push_back(std::make_unique<Worker>(i, workers.shared, snapshot));
    commons = std::make_shared<TestCommons>(workers);
    core = std::make_unique<PoolCore>(*commons, context, first_target(), settings);
  }
  ~QuietPool() {
    workers.shared.slow_jobs.join();
    aws.stop();
  }
  Worker& worker(unsigned index = 0) { return *workers.list[index]; }
  std::shared_ptr<ListenHub> hub(const std::string& encoding = "UTF8") {
    return core->hubs.get(encoding, worker(), [] { return HubSource{}; });
  }
  // One that has logged in, and is idle.
  Backend& add_backend() {
    auto backend = std::make_shared<Backend>(10);
    backend->generation = core->state.generation();
    backend->login_user = core->target->user;
    core->members.emplace(backend.get(), backend);
    core->state.begin_proof();
    core->state.put(*backend, TimePoint() + std::chrono::hours(1), true);
    return *backend;
  }

  config::Pool settings;
  Workers workers;
  WokenSessions sessions;
  NoNotifications sink;
  PasswordProofs proofs;
  SchemaVersions schemas;
  aws::Aws aws{[](UserSecretsRef) {}};
  PoolContext context{workers, sessions, sink, proofs, schemas, aws};
  std::shared_ptr<TestCommons> commons;
  std::unique_ptr<PoolCore> core;
};

}  // namespace pgweir::testing
