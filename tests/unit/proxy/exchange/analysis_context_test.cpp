#include "proxy/exchange/analysis_context.hpp"

#include <catch2/catch.hpp>

#include "../relay_script.hpp"

using namespace pgweir;
using test::RelayScript;

namespace {

struct Analysed : RelayScript {
  void have(SettingMap settings) {
    exchange.client.desired = worker().interner().intern(std::move(settings));
  }
  MapRef context() { return analysis_context(exchange).settings; }
  // The search_path under which a text is parsed now; "-": none of the client's own, "?": not known.
  std::string path() {
    const MapRef settings = context();
    if (settings == nullptr) return "?";
    const auto it = settings->find("search_path");
    return it == settings->end() ? "-" : it->second;
  }
  bool is_certain() { return analysis_context(exchange).is_certain; }
};

}  // namespace

TEST_CASE("clients whose settings differ only in what no text depends on share a context") {
  Analysed relay;
  const MapRef fresh = relay.context();
  relay.have({{"application_name", "x"}, {"statement_timeout", "1s"}, {"app.tenant", "7"}});
  CHECK(relay.context() == fresh);
  relay.have({{"application_name", "x"}, {"search_path", "mine"}});
  const MapRef mine = relay.context();
  CHECK(mine != fresh);
  relay.have({{"search_path", "mine"}});
  CHECK(relay.context() == mine);
}

TEST_CASE("a text is parsed under what its transaction has set so far, and not any more after a rollback") {
  Analysed relay;
  const MapRef fresh = relay.context();
  relay.run("> Q(begin) < C(BEGIN) Z(T) > Q(set search_path = mine) < C(SET) Z(T)");
  CHECK(relay.path() == "mine");
  relay.run("> Q(savepoint s) < C(SAVEPOINT) Z(T) > Q(set local search_path = yours) < C(SET) Z(T)");
  CHECK(relay.path() == "yours");
  relay.run("> Q(rollback to s) < C(ROLLBACK) Z(T)");
  CHECK(relay.path() == "mine");
  SECTION("rolled back") {
    relay.run("> Q(rollback) < C(ROLLBACK) Z(I)");
    CHECK(relay.context() == fresh);
  }
  SECTION("committed, although it is not asked yet what is left") {
    relay.run("> Q(commit) < C(COMMIT) Z(I)");
    CHECK(relay.path() == "mine");
  }
}

TEST_CASE("while a SET is unanswered it is not known what a text means") {
  Analysed relay;
  relay.run("> P(,set search_path = mine) B() E");
  CHECK(relay.path() == "?");
  relay.run("< 1 2 C(SET)");
  CHECK(relay.path() == "mine");
}

TEST_CASE("what a text means in a session that sees what no other one sees is nobody else's") {
  Analysed relay;
  SECTION("it may have temporary tables") {
    relay.run("> Q(create temp table t (a int)) < C(CREATE TABLE) Z(I)");
  }
  SECTION("it is known to have some") {
    relay.exchange.pins.insert(Pin::temporary_object);
  }
  SECTION("it has made something that is not committed") {
    relay.run("> Q(begin) < C(BEGIN) Z(T) > Q(create table t (a int)) < C(CREATE TABLE) Z(T)");
  }
  SECTION("it has run something that may have set anything") {
    relay.exchange.watch.marks.insert(Mark::unseen);
  }
  CHECK(relay.path() == "?");
}

TEST_CASE("after its own DDL is committed a session parses what all parse") {
  Analysed relay;
  const MapRef fresh = relay.context();
  relay.run("> Q(create table t (a int)) < C(CREATE TABLE)");
  CHECK(relay.path() == "?");
  relay.run("< Z(I)");
  CHECK(relay.context() == fresh);
}

TEST_CASE("code that nobody has judged makes uncertain what the settings are, and they are presumed") {
  Analysed relay;
  CHECK(relay.is_certain());
  relay.run("> Q(begin) < C(BEGIN) Z(T) > Q(select my_function()) < C(SELECT 1) Z(T)");
  CHECK_FALSE(relay.is_certain());
  CHECK(relay.path() == "-");
}

TEST_CASE("a statement is in its context only where that is known") {
  Analysed relay;
  relay.run("> P(s,select * from t) P(,select 1) S < 1 t n 1 Z(I)");
  const StatementRef shared = relay.exchange.statements.find("s");
  const StatementRef unnamed = relay.exchange.statements.find("");
  const StatementRef by_sql =
      relay.pool().statements().make_by_sql(" as select 1", "select 1", relay.context());
  CHECK(is_in_its_context(relay.exchange, *shared));
  CHECK(is_in_its_context(relay.exchange, *unnamed));
  CHECK(is_in_its_context(relay.exchange, *by_sql));
  SECTION("other settings") {
    relay.have({{"search_path", "mine"}});
  }
  SECTION("settings that are not known") {
    relay.exchange.watch.marks.insert(Mark::unseen);
  }
  CHECK_FALSE(is_in_its_context(relay.exchange, *shared));
  CHECK_FALSE(is_in_its_context(relay.exchange, *unnamed));
  CHECK_FALSE(is_in_its_context(relay.exchange, *by_sql));
}

TEST_CASE(
    "a statement is used under the settings of its Parse but for those that the server looks at itself") {
  Analysed relay;
  relay.run("> P(s,select * from t where v = '1') S < 1 t n Z(I)");
  const StatementRef shared = relay.exchange.statements.find("s");
  const auto is_alike = [&](SettingMap settings) {
    relay.have(std::move(settings));
    return is_planned_alike(relay.exchange, *shared);
  };
  CHECK(is_alike({}));
  CHECK(is_alike(
      {{"search_path", "mine"}, {"row_security", "off"}, {"app.tenant", "7"}, {"lock_timeout", "1"}}));
  CHECK_FALSE(is_alike({{"timezone", "Asia/Tokyo"}}));
  CHECK_FALSE(is_alike({{"role", "other"}}));
  CHECK_FALSE(is_alike({{"bytea_output", "escape"}}));
  CHECK(is_alike({}));
  SECTION("a SET of its transaction") {
    relay.run("> Q(begin) < C(BEGIN) Z(T) > Q(set local role other) < C(SET) Z(T)");
    CHECK_FALSE(is_alike({}));
    relay.run("> Q(rollback) < C(ROLLBACK) Z(I)");
    CHECK(is_alike({}));
  }
  SECTION("a search_path of its transaction") {
    relay.run("> Q(begin) < C(BEGIN) Z(T) > Q(set local search_path = a) < C(SET) Z(T)");
    CHECK(is_alike({}));
  }
  SECTION("what it has run may have set anything") {
    relay.exchange.watch.marks.insert(Mark::unseen);
    CHECK_FALSE(is_alike({}));
  }
  SECTION("code that nobody has judged") {
    relay.run("> Q(begin) < C(BEGIN) Z(T) > Q(select my_function()) < C(SELECT 1) Z(T)");
    CHECK_FALSE(is_alike({}));
  }
  SECTION("a statement that nobody shares") {
    CHECK_FALSE(is_planned_alike(relay.exchange,
                                 *relay.pool().statements().make_own("select 1", no_parameter_types)));
  }
}
