#include "proxy/dashboard/state.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "facts.hpp"

namespace pgweir::dashboard {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

const TimePoint now = TimePoint{} + 1h;

Json state_of(const std::vector<PoolFacts>& pools, const History& history = {}) {
  const auto is_disabled = [](const std::string& database) { return database == "closed"; };
  return Json::parse(state_json({{}, pools, history, is_disabled, now, {}}));
}

PoolFacts waiting(std::string database, std::size_t count, std::chrono::milliseconds longest) {
  PoolFacts pool = pool_facts(std::move(database), 2);
  pool.counts.borrowed = 2;
  pool.counts.waiting = count;
  pool.clients = count + 3;
  pool.longest_wait = now - longest;
  return pool;
}

TEST_CASE("pools come by trouble: condition first, then how many wait, then names") {
  PoolFacts down = pool_facts("z");
  down.login_trouble = LoginTrouble{now, now, BackendLoginResult::unreachable, "gone"};
  const Json state =
      state_of({pool_facts("b"), pool_facts("a"), waiting("few", 1, 2s), waiting("many", 9, 1s),
                waiting("burst", 40, 10ms), down, pool_facts("closed")});
  std::vector<std::string> order;
  for (const Json& pool : state["pools"]) order.push_back(pool["database"]);
  CHECK(order == std::vector<std::string>{"z", "many", "few", "burst", "closed", "a", "b"});
  CHECK(state["pools"][0]["condition"] == "down");
}

TEST_CASE("a pool's clients, connections and pins are told in numbers") {
  PoolFacts pool = waiting("app", 4, 1500ms);
  pool.counts.opening = 1;
  pool.pinned[static_cast<std::size_t>(Pin::load)] = 2;
  const Json json = state_of({pool})["pools"][0];
  CHECK(json["clients"] == Json{{"active", 2}, {"idle", 1}, {"waiting", 4}});
  CHECK(json["backends"] ==
        Json{{"idle", 0}, {"borrowed", 2}, {"opening", 1}, {"leaving", 0}, {"min", 2}, {"max", 2}});
  CHECK(json["longest_wait_ms"] == 1500);
  REQUIRE(json["pins"].size() == 1);
  CHECK(json["pins"][0]["reason"] == "load");
  CHECK(json["pins"][0]["sessions"] == 2);
  CHECK_FALSE(json.contains("last_minute"));
}

TEST_CASE("more connections than clients, of clients that have just gone, are no negative number") {
  PoolFacts pool = pool_facts();
  pool.counts.borrowed = 3;
  CHECK(state_of({pool})["pools"][0]["clients"]["idle"] == 0);
}

TEST_CASE("history and state tell the same point") {
  History history;
  PoolFacts pool = pool_facts();
  history.observe({pool}, now);
  pool.totals.queries = 7;
  pool.durations.query = durations(20us, 7);
  history.observe({pool}, now + 3s);
  const Json state = state_of({pool}, history);
  const Json told = Json::parse(history_json(history));
  CHECK(state["sequence"] == told["sequence"]);
  const Json point = state["pools"][0]["point"];
  CHECK(point["queries"] == 2.33);
  for (const auto& [name, value] : point.items()) {
    INFO(name);
    CHECK(told["pools"][0]["series"][name] == Json::array({value}));
  }
  CHECK(state["pools"][0]["last_minute"]["query"]["count"] == 7);
  CHECK(state["pools"][0]["last_minute"]["query"]["p50_ms"] == 0.024);
  CHECK(state["pools"][0]["last_minute"]["borrow_wait"].is_null());
}

TEST_CASE("names that clients make up cannot break the answer, nor make it endless") {
  PoolFacts pool = pool_facts(std::string("\xff</script><script>\"\\\0", 22) + std::string(5'000, '\xc3'));
  const std::string text = state_json({{}, {pool}, {}, [](const std::string&) { return false; }, now, {}});
  CHECK(text.size() < 3'000);
  CHECK(Json::parse(text)["pools"][0]["database"].get<std::string>().find("</script>") != std::string::npos);
}

TEST_CASE("only so many pools are told of, the calmest are left out") {
  std::vector<PoolFacts> pools(pools_max + 9, pool_facts("calm"));
  pools.push_back(waiting("busy", 1, 2s));
  const Json state = state_of(pools);
  CHECK(state["pools"].size() == pools_max);
  CHECK(state["pools_left_out"] == 10);
  CHECK(state["pools"][0]["database"] == "busy");
}

TEST_CASE("the process is described, without a certificate where there is none") {
  ProcessFacts process;
  process.version = "1.2.3";
  process.clients = 5;
  process.max_clients = 10;
  process.draining = true;
  const auto is_disabled = [](const std::string&) { return false; };
  Json json = Json::parse(state_json({process, {}, {}, is_disabled, now, {}}))["process"];
  CHECK(json["version"] == "1.2.3");
  CHECK(json["clients"] == 5);
  CHECK(json["draining"] == true);
  CHECK(json["certificate_expires"].is_null());
  process.certificate_expires = 1'800'000'000;
  json = Json::parse(state_json({process, {}, {}, is_disabled, now, {}}))["process"];
  CHECK(json["certificate_expires"] == 1'800'000'000);
}

}  // namespace
}  // namespace pgweir::dashboard
