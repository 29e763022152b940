#include "proxy/report/ready_rule.hpp"

#include <catch2/catch.hpp>

using namespace pgweir;
using namespace std::chrono_literals;

namespace {

const TimePoint now{1h};
const std::chrono::system_clock::time_point wall{
    std::chrono::seconds{1'700'000'000}};  // 2023-11-14T22:13:20Z

config::Settings settings_with(const std::vector<std::string>& names,
                               std::vector<std::string> required = {}) {
  config::Settings settings;
  for (const std::string& name : names) settings.databases[name].name = name;
  settings.admin.ready_requires = std::move(required);
  return settings;
}

PoolFacts untried(std::string database, std::uint32_t min_size = 2) {
  PoolFacts pool;
  pool.database = std::move(database);
  pool.user = "app";
  config::Pool settings;
  settings.min_size = min_size;
  pool.settings = std::make_shared<const config::Pool>(settings);
  return pool;
}

PoolFacts up(std::string database) {
  PoolFacts pool = untried(std::move(database));
  pool.logins = LoginRecord::reached;
  pool.counts.idle = 2;
  return pool;
}

PoolFacts away(std::string database, BackendLoginResult result = BackendLoginResult::unreachable,
               std::chrono::seconds past = 42s) {
  PoolFacts pool = untried(std::move(database));
  pool.logins = LoginRecord::failed;
  pool.login_trouble = LoginTrouble{now - past, now, result, "at length"};
  return pool;
}

PoolFacts lost(std::string database, BackendLoginResult result = BackendLoginResult::unreachable) {
  PoolFacts pool = away(std::move(database), result);
  pool.logins = LoginRecord::reached;
  return pool;
}

ReadyRule::Answer first_answer(const config::Settings& settings, const std::vector<PoolFacts>& pools) {
  return ReadyRule().judge(settings, pools, false, now, wall);
}

}  // namespace

TEST_CASE("a new instance is ready when its database was reached") {
  const config::Settings settings = settings_with({"app"});
  CHECK(first_answer(settings, {untried("app")}).text ==
        "not ready: the first login to app is under way\napp: not tried yet\n");
  CHECK(first_answer(settings, {away("app")}).text ==
        "not ready: no database could be reached yet\n"
        "app: unreachable since 2023-11-14T22:12:38Z (42 s): no connection to the server\n");
  CHECK(first_answer(settings, {up("app")}).text == "ready\napp: reachable\n");
}

TEST_CASE("each way in which a database can be away is told") {
  const auto text = [](BackendLoginResult result) {
    return first_answer(settings_with({"app"}), {away("app", result, 1s)}).text.substr(44);
  };
  const std::string since = "app: unreachable since 2023-11-14T22:13:19Z (1 s): ";
  CHECK(text(BackendLoginResult::refused) == since + "the server refuses our logins\n");
  CHECK(text(BackendLoginResult::timed_out) == since + "the server did not answer in time\n");
  CHECK(text(BackendLoginResult::lost) == since + "the server closed the connection during the login\n");
}

TEST_CASE("one dead database of two keeps no new instance from serving the other") {
  const config::Settings settings = settings_with({"app", "other"});
  CHECK(first_answer(settings, {up("app"), away("other")}).ready);
  CHECK(first_answer(settings, {away("app", BackendLoginResult::refused), up("other")}).ready);
  CHECK_FALSE(first_answer(settings, {away("app"), away("other")}).ready);
}

TEST_CASE("a slower database is waited for until its first login has ended, one way or the other") {
  const config::Settings settings = settings_with({"app", "other"});
  CHECK_FALSE(first_answer(settings, {up("app"), untried("other")}).ready);
  CHECK(first_answer(settings, {up("app"), away("other", BackendLoginResult::timed_out)}).ready);
}

TEST_CASE("one user whom the server refuses does not make a database unreachable for the others") {
  const config::Settings settings = settings_with({"app"}, {"app"});
  const ReadyRule::Answer answer =
      first_answer(settings, {up("app"), away("app", BackendLoginResult::refused)});
  CHECK(answer.ready);
  CHECK(answer.text == "ready\napp (required): reachable\n");
}

TEST_CASE("a database that is not kept warm is not waited for") {
  const config::Settings settings = settings_with({"app", "lazy", "*"});
  CHECK(first_answer(settings, {untried("app", 0), untried("lazy", 0)}).text ==
        "ready\napp: not tried yet\nlazy: not tried yet\n");
  CHECK(first_answer(settings, {up("app"), untried("lazy", 0)}).ready);
  // What a client asked for cannot make up for what is kept warm.
  PoolFacts lazy = up("lazy");
  lazy.settings = untried("lazy", 0).settings;
  CHECK_FALSE(first_answer(settings, {away("app"), lazy}).ready);
}

TEST_CASE("what stands behind the wildcard decides nothing and is not listed") {
  const config::Settings settings = settings_with({"app", "*"});
  CHECK(first_answer(settings, {up("app"), untried("made up"), away("also made up")}).text ==
        "ready\napp: reachable\n");
  CHECK_FALSE(first_answer(settings, {away("app"), up("made up")}).ready);
  CHECK(first_answer(settings_with({"*"}), {}).text == "ready\n");
}

TEST_CASE("an instance that was ready stays ready while its database is away") {
  const config::Settings settings = settings_with({"app"});
  ReadyRule rule;
  CHECK(rule.judge(settings, {up("app")}, false, now, wall).ready);
  CHECK(rule.judge(settings, {lost("app")}, false, now, wall).text ==
        "ready\napp: unreachable since 2023-11-14T22:12:38Z (42 s): no connection to the server\n");
  // A reload that brings another database does not begin anew.
  CHECK(rule.judge(settings_with({"app", "new"}), {lost("app"), untried("new")}, false, now, wall).ready);
  CHECK(rule.judge(settings, {up("app")}, true, now, wall).text == "not ready: draining\napp: reachable\n");
}

TEST_CASE("a required database has to be reachable now") {
  const config::Settings settings = settings_with({"app", "other"}, {"other"});
  ReadyRule rule;
  const auto ready = [&](const PoolFacts& app, const PoolFacts& other) {
    return rule.judge(settings, {app, other}, false, now, wall).ready;
  };
  CHECK_FALSE(ready(up("app"), untried("other")));
  CHECK_FALSE(ready(up("app"), away("other")));
  CHECK(ready(away("app"), up("other")));
  CHECK(ready(lost("app"), up("other")));
  CHECK_FALSE(ready(up("app"), lost("other")));
  CHECK(rule.judge(settings, {up("app"), lost("other")}, false, now, wall).text ==
        "not ready: admin.ready_requires: other\napp: reachable\n"
        "other (required): unreachable since 2023-11-14T22:12:38Z (42 s): no connection to the server\n");
  CHECK(ready(up("app"), up("other")));
}

TEST_CASE("a server without room for more is there for those that it has let in") {
  PoolFacts full = up("app");
  full.login_trouble = LoginTrouble{now - 1s, now, BackendLoginResult::refused, "53300"};
  CHECK(judge_reachability({full}, now).reach == Reach::reachable);
  // Connections may seem to be there when packets vanish.
  full.login_trouble->result = BackendLoginResult::timed_out;
  CHECK(judge_reachability({full}, now).reach == Reach::unreachable);
}

TEST_CASE("trouble that nobody has looked into for a while is none") {
  PoolFacts pool = lost("app");
  pool.login_trouble->last_try = now - trouble_age_max;
  CHECK(judge_reachability({pool}, now).reach == Reach::unused);
  CHECK(describe(judge_reachability({pool}, now), now, wall) == "reached before, no connection now");
  pool.counts.opening = 1;
  CHECK(judge_reachability({pool}, now).reach == Reach::unreachable);
}

TEST_CASE("a pause is told, and makes no required database unreachable") {
  PoolFacts paused = lost("app");
  paused.paused = true;
  paused.login_trouble.reset();
  CHECK(first_answer(settings_with({"app"}, {"app"}), {paused}).text ==
        "ready\napp (required): reached before, no connection now, paused by an operator\n");
}

TEST_CASE("of two pools that cannot reach their server, the one that knows longer is told") {
  for (const bool first : {true, false}) {
    const PoolFacts longer = away("app", BackendLoginResult::unreachable, first ? 60s : 1s);
    const PoolFacts shorter = away("app", BackendLoginResult::unreachable, first ? 1s : 60s);
    CHECK(judge_reachability({longer, shorter}, now).trouble->since == now - 60s);
  }
}

TEST_CASE("pools that are being retired are not looked at") {
  PoolFacts old = away("app");
  old.retired = true;
  CHECK(first_answer(settings_with({"app"}), {old, up("app")}).text == "ready\napp: reachable\n");
}
