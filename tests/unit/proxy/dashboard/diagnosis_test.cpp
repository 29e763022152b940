#include "proxy/dashboard/diagnosis.hpp"

#include <catch2/catch.hpp>

#include "facts.hpp"

namespace pgweir {
namespace {

using namespace std::chrono_literals;

const TimePoint now = TimePoint{} + 24h;
// 2026-01-31 03:14:49 UTC
const std::chrono::system_clock::time_point wall{std::chrono::seconds(1'769'829'289)};

Diagnosis diagnose_at_3(const PoolFacts& pool, PoolDurations last_minute = {}, bool had_queries = false,
                        bool disabled = false, std::optional<double> transactions_per_second = {}) {
  return diagnose({pool, disabled, had_queries, transactions_per_second, last_minute, now, wall});
}

PoolFacts waiting_pool(std::chrono::milliseconds longest, std::uint32_t max_size = 20) {
  PoolFacts pool = pool_facts("app", max_size);
  pool.clients = 50;
  pool.counts.borrowed = max_size;
  pool.counts.waiting = 5;
  pool.longest_wait = now - longest;
  return pool;
}

PoolFacts unreachable_pool(BackendLoginResult result, std::string message) {
  PoolFacts pool = pool_facts();
  pool.login_trouble = LoginTrouble{now - 125s, now - 200ms, result, std::move(message)};
  return pool;
}

TEST_CASE("who waits for long waits because of a saturated pool, otherwise in a burst") {
  const PoolDurations busy{{}, durations(1ms, 9), durations(1ms, 9)};
  const Diagnosis burst = diagnose_at_3(waiting_pool(999ms), busy);
  CHECK(burst.condition == PoolCondition::burst);
  CHECK(burst.text ==
        "waiting: all 20 server connections are lent out; half of all transactions take longer than 768 us");
  CHECK(diagnose_at_3(waiting_pool(1s), busy).condition == PoolCondition::saturated);
}

TEST_CASE("pins are named, and nothing else when they hold everything") {
  PoolFacts pool = waiting_pool(12s);
  pool.pinned[static_cast<std::size_t>(Pin::advisory_lock)] = 7;
  CHECK(diagnose_at_3(pool).text ==
        "waiting: all 20 server connections are lent out; 7 of them pinned by advisory_lock");
  pool.pinned[static_cast<std::size_t>(Pin::temporary_object)] = 13;
  CHECK(diagnose_at_3(pool, {}, true, false, 0.0).text ==
        "waiting: all 20 server connections are lent out; 13 of them pinned by temporary_object, 7 by "
        "advisory_lock");
}

TEST_CASE("while no transaction ends, those that ended before are not spoken of") {
  const PoolDurations before{{}, durations(1ms, 9), durations(1ms, 9)};
  CHECK(diagnose_at_3(waiting_pool(12s), before, true, false, 0.0).text ==
        "waiting: all 20 server connections are lent out; no transaction has ended within the last ten "
        "seconds");
}

TEST_CASE("transactions that last longer than their queries are held by clients") {
  const PoolDurations slow{{}, durations(1ms, 9), durations(2s, 3)};
  CHECK(diagnose_at_3(waiting_pool(3s), slow).text ==
        "waiting: all 20 server connections are lent out; half of all transactions take longer than 1.6 s, "
        "their queries 768 us: clients hold them between queries");
}

TEST_CASE("in session mode each client keeps its connection") {
  PoolFacts pool = waiting_pool(3s, 1);
  auto settings = std::make_shared<config::Pool>(*pool.settings);
  settings->mode = config::PoolMode::session;
  pool.settings = settings;
  pool.pinned[static_cast<std::size_t>(Pin::session_mode)] = 1;
  CHECK(diagnose_at_3(pool).text ==
        "waiting: the only server connection is lent out; each client keeps its own "
        "(pool.mode is session)");
}

TEST_CASE("connections that open and close are told of") {
  PoolFacts pool = waiting_pool(200ms);
  pool.counts.borrowed = 1;
  pool.counts.opening = 4;
  pool.counts.leaving = 1;
  CHECK(diagnose_at_3(pool).text ==
        "waiting: 1 of 20 server connections is lent out, 4 are being opened, 1 is being closed");
  pool.counts = {};
  pool.counts.borrowed = 25;
  pool.counts.waiting = 1;
  CHECK(diagnose_at_3(pool).text.find("25 server connections are lent out, and the limit is 20 now") !=
        std::string::npos);
}

TEST_CASE("a server that cannot be reached is down since its first refusal") {
  const PoolFacts pool = unreachable_pool(BackendLoginResult::unreachable, "db:5432: Connection refused");
  const Diagnosis diagnosis = diagnose_at_3(pool);
  CHECK(diagnosis.condition == PoolCondition::down);
  CHECK(diagnosis.text ==
        "the server cannot be reached since 03:12:44 UTC (2 min 5 s): db:5432: Connection refused");
}

TEST_CASE("a server that refuses logins is down, too, and says why") {
  PoolFacts pool = unreachable_pool(BackendLoginResult::refused, "password authentication failed");
  pool.refusal = "password authentication failed";
  const Diagnosis diagnosis = diagnose_at_3(pool);
  CHECK(diagnosis.condition == PoolCondition::down);
  CHECK(diagnosis.text ==
        "the server refuses logins since 03:12:44 UTC (2 min 5 s): password authentication failed");
}

TEST_CASE("a server that lets no more in while connections are there limits the pool") {
  PoolFacts pool = unreachable_pool(BackendLoginResult::refused, "too many clients already");
  pool.counts.borrowed = 8;
  CHECK(diagnose_at_3(pool).condition == PoolCondition::limited);
  pool.counts.waiting = 2;
  pool.longest_wait = now - 4200ms;
  const Diagnosis diagnosis = diagnose_at_3(pool);
  CHECK(diagnosis.condition == PoolCondition::saturated);
  CHECK(diagnosis.text ==
        "the server lets no further connection in since 03:12:44 UTC (2 min 5 s): too many "
        "clients already; 8 of 20 server connections are open; 2 clients wait, the longest for 4.2 s");
}

TEST_CASE("an old failure of a pool that nobody uses is no outage of now") {
  PoolFacts pool = unreachable_pool(BackendLoginResult::timed_out, "no answer");
  auto settings = std::make_shared<config::Pool>(*pool.settings);
  settings->min_size = 0;
  pool.settings = settings;
  pool.login_trouble->last_try = now - 44s;
  const Diagnosis diagnosis = diagnose_at_3(pool);
  CHECK(diagnosis.condition == PoolCondition::limited);
  CHECK(diagnosis.text == "the server could not be reached when last tried, at 03:14:05 UTC: no answer");
}

TEST_CASE("a pause comes before all that it causes") {
  PoolFacts pool = unreachable_pool(BackendLoginResult::unreachable, "refused");
  pool.paused = true;
  pool.counts.waiting = 1;
  pool.longest_wait = now - 90s;
  const Diagnosis diagnosis = diagnose_at_3(pool);
  CHECK(diagnosis.condition == PoolCondition::paused);
  CHECK(diagnosis.text == "paused by an operator, until RESUME; 1 client waits, the longest for 1 min 30 s");
}

TEST_CASE("disabled databases say so when nobody waits") {
  CHECK(diagnose_at_3(pool_facts(), {}, false, true).condition == PoolCondition::disabled);
  CHECK(diagnose_at_3(waiting_pool(2s), {}, false, true).condition == PoolCondition::saturated);
}

TEST_CASE("calm pools are idle or well, and remember that somebody had to wait") {
  PoolFacts pool = pool_facts();
  CHECK(diagnose_at_3(pool).text == "idle: no client is connected");
  pool.clients = 1;
  CHECK(diagnose_at_3(pool).text == "idle: 1 client is connected, none at work");
  CHECK(diagnose_at_3(pool, {}, true).condition == PoolCondition::ok);
  pool.counts.borrowed = 3;
  CHECK(diagnose_at_3(pool).text == "ok: nobody waits; 3 of 20 server connections are lent out");
  pool.pinned[static_cast<std::size_t>(Pin::load)] = 2;
  CHECK(diagnose_at_3(pool).text ==
        "ok: nobody waits; 3 of 20 server connections are lent out; 2 of them pinned by load");
  CHECK(diagnose_at_3(pool, {durations(50ms, 9), {}, {}}).condition == PoolCondition::ok);
  CHECK(diagnose_at_3(pool, {durations(500ms, 9), {}, {}}).condition == PoolCondition::waited);
}

TEST_CASE("a retired pool is no trouble") {
  PoolFacts pool = waiting_pool(2s);
  pool.retired = true;
  CHECK(diagnose_at_3(pool).condition == PoolCondition::retired);
}

}  // namespace
}  // namespace pgweir
