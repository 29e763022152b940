#include "proxy/pool/pool_upkeep.hpp"

#include <catch2/catch.hpp>

#include "pool_stage.hpp"

using namespace pgweir;
using namespace std::chrono_literals;
using test::PoolStage;

namespace {

struct KeptPool : PoolStage {
  using PoolStage::PoolStage;

  void round() {
    look();
    keep_up(core(), worker());
  }
  bool knows_code() { return pool().code().triggers().verdict() != FunctionVerdict::unknown; }
};

}  // namespace

TEST_CASE("a round sends away what has been idle for too long") {
  KeptPool pool;
  pool.add_server();
  const std::chrono::milliseconds timeout = pool.core().settings->idle_timeout;
  pool.pass(timeout - 1ms);
  pool.round();
  CHECK(pool.counts().idle == 1);
  pool.pass(1ms);
  pool.round();
  CHECK(pool.counts().leaving == 1);
  CHECK(pool.closed(BackendClose::idle_timeout) == 1);
  pool.turn();
  CHECK(pool.server() == "X");
}

TEST_CASE("a round notices an idle server's last words, and that it is gone without any") {
  KeptPool pool;
  pool.add_server();
  SECTION("last words") {
    pool.hear("E(57P01,terminating)");
  }
  SECTION("none") {
    pool.servers[0].end.close();
  }
  pool.round();
  CHECK(pool.counts().idle == 0);
  CHECK(pool.closed(BackendClose::lost) == 1);
}

TEST_CASE("a round reads what idle servers report, and their backends stay") {
  KeptPool pool;
  Backend& backend = *pool.add_server().backend;
  pool.hear("S(TimeZone,UTC)");
  SECTION("of this worker") {
    pool.round();
    CHECK(backend.parameters->at("TimeZone") == "UTC");
  }
  SECTION("not of another worker, which reads it itself") {
    backend.worker = 1;
    pool.round();
    CHECK(backend.parameters->empty());
  }
  CHECK(pool.counts().idle == 1);
}

TEST_CASE("a round asks one idle backend of this worker about the role, where that is due") {
  KeptPool pool(test::role_asking_settings(3));
  for (unsigned worker : {1u, 0u, 0u}) pool.add_server().backend->worker = worker;
  pool.round();
  CHECK(pool.servers[1].backend->state == MemberState::borrowed);
  CHECK(pool.counts().idle == 2);
  pool.round();
  CHECK(pool.counts().idle == 2);
  pool.turn();
  CHECK(pool.server().find("pg_roles") != std::string::npos);
}

TEST_CASE("a round tells those who wait where the server lets nobody in") {
  KeptPool pool;
  Waiter waiter;
  waiter.session = 1;
  pool.core().state.enqueue(waiter);
  // Nothing is opened for it.
  pool.core().state.set_paused(true);
  pool.round();
  CHECK(pool.process.woken.woken.empty());
  pool.core().outcomes.refuse({"28000", "no", true});
  pool.round();
  CHECK(pool.process.woken.woken == std::vector<std::uint64_t>{1});
}

TEST_CASE("a round begins the logins that the minimum needs") {
  KeptPool pool;
  pool.core().state.set_limits({.min_size = 2, .max_size = 2, .max_logins = 2});
  pool.round();
  CHECK(pool.counts().opening == 2);
}

TEST_CASE("what is known of the database's code is forgotten when it is old, and not before") {
  KeptPool pool;
  pool.round();
  pool.use_pool();
  pool.pass(FunctionTable::age_max - 1ms);
  pool.round();
  CHECK(pool.knows_code());
  pool.pass(1ms);
  pool.round();
  CHECK_FALSE(pool.knows_code());
  pool.know_all_code();
  pool.round();
  CHECK(pool.knows_code());
}
