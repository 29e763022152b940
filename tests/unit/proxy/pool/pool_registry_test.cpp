#include "proxy/pool/pool_registry.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

#include "pool_stage.hpp"

using namespace pgweir;
using namespace std::chrono_literals;
using test::PoolStage;
using Resumed = PoolRegistry::Resumed;

namespace {

// "app" and "shop" on one server, "far" on another, and "*" on a third one; anna may use them all, bert only "shop".
config::Settings many_databases() {
  config::Settings settings = test::app_settings();
  settings.users["bert"] = {"bert", config::Secret("his")};
  for (const char* const name : {"shop", "far", "*"}) {
    settings.databases[name] = settings.databases["app"];
    settings.databases[name].name = name;
  }
  for (const char* const name : {"app", "far", "*"}) settings.databases[name].users = {"anna"};
  settings.databases["far"].host = "far";
  settings.databases["*"].host = "any";
  return settings;
}

struct Registered : PoolStage {
  explicit Registered(config::Settings given = many_databases())
      : PoolStage(given), settings(std::move(given)) {}

  PoolRegistry& pools() { return process.pools; }
  std::shared_ptr<Pool> find(const char* database, const char* user = "anna") {
    return pools().find(database, user);
  }
  // A client of this database, which is in the file or stands behind "*".
  std::shared_ptr<Pool> of_client(const char* database) {
    const config::Settings& now = *snapshot->settings;
    return pools().get(*snapshot, *now.find_database(database), database, *now.find_user("anna"));
  }
  std::shared_ptr<Pool> candidate() {
    return pools().candidate(*snapshot, snapshot->settings->databases.at("app"), "app", "guest");
  }
  void reload() {
    snapshot = make_snapshot(std::make_shared<const config::Settings>(settings), snapshot);
    pools().apply(snapshot);
  }
  bool is_listed(const std::shared_ptr<Pool>& pool) {
    const auto all = pools().all();
    return std::find(all.begin(), all.end(), pool) != all.end();
  }
  static std::uint64_t generation(const std::shared_ptr<Pool>& pool) {
    return PoolInside::core(*pool).state.generation();
  }

  config::Settings settings;
  SnapshotRef snapshot = worker().snapshot_ref();
};

config::Settings with_a_guest() {
  config::Settings settings = many_databases();
  settings.databases["app"].pass_through.users = {"guest"};
  return settings;
}

}  // namespace

TEST_CASE("there is a pool before the first client for who may use a database, but not for any behind *") {
  Registered stage;
  CHECK(stage.find("app") != nullptr);
  CHECK(stage.find("shop", "bert") != nullptr);
  CHECK(stage.find("app", "bert") == nullptr);
  CHECK(stage.find("*") == nullptr);
  CHECK(stage.pools().all().size() == 4);
}

TEST_CASE("behind * is the database that the client has asked for, on the server of *") {
  Registered stage;
  const PoolFacts facts = stage.of_client("third")->facts();
  CHECK(facts.database == "third");
  CHECK(facts.dbname == "third");
  CHECK(facts.host == "any");
  CHECK(stage.of_client("third") == stage.find("third"));
}

TEST_CASE("a reload keeps the pools that are still configured, with their new settings") {
  Registered stage;
  const std::shared_ptr<Pool> app = stage.find("app");
  const std::shared_ptr<Pool> third = stage.of_client("third");
  for (auto& [name, database] : stage.settings.databases) database.pool.max_size = 7;
  stage.reload();
  CHECK(stage.find("app") == app);
  CHECK(app->settings()->max_size == 7);
  CHECK(stage.find("third") == third);
  CHECK(third->settings()->max_size == 7);
}

TEST_CASE("a reload retires the pools that are not configured any more, and new clients find none") {
  Registered stage;
  const std::shared_ptr<Pool> app = stage.find("app");
  const std::shared_ptr<Pool> third = stage.of_client("third");
  std::vector<std::shared_ptr<Pool>> gone{app};
  std::vector<std::shared_ptr<Pool>> stay{third};
  SECTION("the user may not use the database") {
    stage.settings.databases["app"].users = {"bert"};
  }
  SECTION("the database is not named, but * would take it") {
    stage.settings.databases.erase("app");
    stay.push_back(app);
    gone.clear();
  }
  SECTION("there is no * any more") {
    stage.settings.databases.erase("*");
    std::swap(gone, stay);
  }
  SECTION("the user is gone") {
    stage.settings.users.erase("anna");
    gone.push_back(third);
    stay.clear();
  }
  stage.reload();
  for (const auto& pool : gone) {
    CHECK(pool->facts().retired);
    CHECK(stage.find(pool->database().c_str()) == nullptr);
  }
  for (const auto& pool : stay) CHECK(stage.find(pool->database().c_str()) == pool);
}

TEST_CASE("a retired pool is listed, before the one that takes its place, until its last client has gone") {
  Registered stage;
  const std::shared_ptr<Pool> before = stage.find("app");
  PoolCounters& counters = before->counters(stage.worker());
  counters.clients.add();
  counters.borrows.add();
  const config::User anna = stage.settings.users["anna"];
  stage.settings.users.erase("anna");
  stage.reload();
  stage.settings.users["anna"] = anna;
  stage.reload();
  const std::shared_ptr<Pool> after = stage.find("app");
  REQUIRE(after != before);
  const auto listed = stage.pools().of("app");
  CHECK(listed == std::vector{before, after});
  // What has happened under the pool's name does not become less.
  CHECK(after->lifetime_counters().size() == before->lifetime_counters().size() + 1);
  counters.clients.subtract();
  stage.pass(PoolRegistry::sweep_interval);
  stage.pools().maintain(stage.worker());
  CHECK_FALSE(stage.is_listed(before));
  CHECK(stage.is_listed(after));
}

TEST_CASE("a pause holds for the pools that are made during it, too") {
  Registered stage;
  const bool all = GENERATE(true, false);
  stage.pools().pause(all ? "" : "third");
  CHECK(stage.of_client("third")->facts().paused);
  CHECK(stage.of_client("fourth")->facts().paused == all);
  CHECK(stage.find("app")->facts().paused == all);
  CHECK(stage.pools().resume(all ? "" : "third") == Resumed::done);
  CHECK_FALSE(stage.find("third")->facts().paused);
  CHECK_FALSE(stage.of_client("fifth")->facts().paused);
}

TEST_CASE("what is not paused cannot be resumed, nor one database of all that are paused") {
  Registered stage;
  CHECK(stage.pools().resume("") == Resumed::not_paused);
  CHECK(stage.pools().resume("app") == Resumed::not_paused);
  stage.pools().pause("app");
  CHECK(stage.pools().resume("shop") == Resumed::not_paused);
  stage.pools().pause("");
  CHECK(stage.pools().resume("app") == Resumed::all_are_paused);
  CHECK(stage.find("app")->facts().paused);
  // Without a name it ends every pause.
  CHECK(stage.pools().resume("") == Resumed::done);
  CHECK_FALSE(stage.pools().is_paused("app"));
  CHECK_FALSE(stage.find("app")->facts().paused);
}

TEST_CASE("a RECONNECT replaces the backends of one database, or of all") {
  Registered stage;
  const std::shared_ptr<Pool> app = stage.find("app");
  const std::shared_ptr<Pool> shop = stage.find("shop", "bert");
  const std::uint64_t before = Registered::generation(app);
  REQUIRE(Registered::generation(shop) == before);
  stage.pools().reconnect("shop");
  CHECK(Registered::generation(app) == before);
  CHECK(Registered::generation(shop) == before + 1);
  stage.pools().reconnect("");
  CHECK(Registered::generation(app) == before + 1);
}

TEST_CASE("what a fresh login gets has changed for all pools of the same server, and for no others") {
  Registered stage;
  const std::shared_ptr<Pool> app = stage.find("app");
  const std::uint64_t before = Registered::generation(app);
  stage.pools().recycle(*app);
  CHECK(Registered::generation(app) == before + 1);
  CHECK(Registered::generation(stage.find("shop", "bert")) == before + 1);
  CHECK(Registered::generation(stage.find("far")) == before);
}

// --- Users who are not in the file

TEST_CASE("passwords of one user are proved in one pool, which nobody finds before one was right") {
  Registered stage(with_a_guest());
  std::shared_ptr<Pool> pool = stage.candidate();
  CHECK(stage.candidate() == pool);
  CHECK(stage.find("app", "guest") == nullptr);
  CHECK_FALSE(stage.is_listed(pool));
  REQUIRE(stage.pools().publish(pool, PoolInside::core(*pool).target));
  CHECK(stage.candidate() == pool);
  CHECK(stage.find("app", "guest") == pool);
  CHECK(stage.is_listed(pool));
}

TEST_CASE("a password that was right for what is not configured any more makes no pool") {
  Registered stage(with_a_guest());
  const std::shared_ptr<Pool> pool = stage.candidate();
  const std::shared_ptr<const PoolTarget> proved = PoolInside::core(*pool).target;
  config::Database& app = stage.settings.databases["app"];
  SECTION("another server") {
    app.host = "other";
  }
  SECTION("other users") {
    app.pass_through.users = {"somebody"};
  }
  SECTION("the user is in the file by now") {
    stage.settings.users["guest"] = {"guest", config::Secret("other")};
    app.users.emplace_back("guest");
  }
  stage.reload();
  CHECK_FALSE(stage.pools().publish(pool, proved));
  CHECK(stage.find("app", "guest") != pool);
}

TEST_CASE("the pool of a user who is not in the file goes when nobody has used it for a while") {
  Registered stage(with_a_guest());
  const std::chrono::milliseconds forget_after = stage.settings.databases["app"].pass_through.forget_after;
  const std::shared_ptr<Pool> pool = stage.candidate();
  REQUIRE(stage.pools().publish(pool, PoolInside::core(*pool).target));
  const bool is_used = GENERATE(true, false);
  if (is_used) pool->counters(stage.worker()).clients.add();
  stage.pass(forget_after + 1min);
  stage.pools().maintain(stage.worker());
  CHECK((stage.find("app", "guest") == pool) == is_used);
  CHECK(pool->facts().retired == !is_used);
  CHECK(stage.find("app") != nullptr);
}

TEST_CASE("a reload that still takes a user who is not in the file keeps its pool") {
  Registered stage(with_a_guest());
  const std::shared_ptr<Pool> pool = stage.candidate();
  REQUIRE(stage.pools().publish(pool, PoolInside::core(*pool).target));
  SECTION("as before") {
    stage.reload();
    CHECK(stage.find("app", "guest") == pool);
    CHECK(pool->passes_through());
  }
  SECTION("with an entry of its own") {
    stage.settings.users["guest"] = {"guest", config::Secret("own")};
    stage.settings.databases["app"].users.emplace_back("guest");
    stage.reload();
    CHECK(stage.find("app", "guest") == pool);
    CHECK_FALSE(pool->passes_through());
    CHECK(PoolInside::core(*pool).target->password == config::Secret("own"));
  }
  SECTION("not any more") {
    stage.settings.databases["app"].pass_through.users.clear();
    stage.reload();
    CHECK(stage.find("app", "guest") == nullptr);
    CHECK(pool->facts().retired);
  }
}
