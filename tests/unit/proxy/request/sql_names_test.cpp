#include "proxy/request/sql_names.hpp"

#include <catch2/catch.hpp>

#include "../relay_script.hpp"

using namespace pgweir;
using test::RelayScript;

namespace {

// The client has prepared a statement by SQL, whose name on the server is ours.
struct Prepared : RelayScript {
  Prepared() {
    run("> Q(prepare s as select 1)");
    CHECK(server() == "Q(prepare \"#1\" as select 1)");
    run("< C(PREPARE) Z(I)");
    client();
  }
};

}  // namespace

TEST_CASE("while a name is made or dropped nothing else goes to the server") {
  RelayScript relay;
  relay.run("> Q(prepare s as select 1) Q(execute s)");
  CHECK(relay.held() == "Q(execute s)");
  relay.run("< C(PREPARE) Z(I) > Q(execute s)");
  CHECK(relay.held().empty());
}

TEST_CASE("EXECUTE goes to the server under our name, also within other statements") {
  Prepared relay;
  relay.byte_by_byte = GENERATE(false, true);
  relay.run("> Q(execute s)");
  CHECK(relay.server() == "Q(execute \"#1\")");
  relay.run("< C(SELECT 1) Z(I) > Q(explain execute s) < C(EXPLAIN) Z(I)");
  CHECK(relay.server() == "Q(explain execute \"#1\")");
  relay.run("> Q(select 1; execute s; select 2)");
  CHECK(relay.server() == "Q(select 1; execute \"#1\"; select 2)");
}

TEST_CASE("another backend is given what SQL has prepared, unseen") {
  Prepared relay;
  relay.lend();
  relay.run("> Q(execute s)");
  CHECK(relay.server() == "Q(prepare \"#1\" as select 1) Q(execute \"#1\")");
  relay.run("< C(PREPARE) Z(I) C(SELECT 1) Z(I)");
  CHECK(relay.client() == "C(SELECT 1) Z(I)");
}

TEST_CASE("what has to be given in a failed transaction is given again after it") {
  Prepared relay;
  relay.lend();
  relay.run("> Q(begin) < C(BEGIN) Z(T) > Q(select 1/0) Q(execute s) Q(rollback)");
  relay.server();
  relay.run("> P(,execute s)");
  CHECK(relay.held() == "P(,execute s)");
  relay.run("< E(22012,division by zero) Z(E) E(25P02,aborted) Z(E) E(25P02,aborted) Z(E) C(ROLLBACK) Z(I)");
  relay.run("> P(,execute s)");
  CHECK(relay.held().empty());
  CHECK(relay.server().starts_with("Q(prepare \"#1\" as select 1)"));
}

TEST_CASE("DEALLOCATE drops the client's name when the server says so") {
  Prepared relay;
  relay.run("> Q(deallocate s)");
  CHECK(relay.server() == "Q(deallocate \"#1\")");
  SECTION("done") {
    relay.run("< C(DEALLOCATE) Z(I)");
    CHECK(relay.exchange.statements.find("s") == nullptr);
  }
  SECTION("refused") {
    relay.run("< E(25P02,in a failed transaction) Z(E)");
    CHECK(relay.exchange.statements.find("s") != nullptr);
  }
}

TEST_CASE("a PREPARE that fails leaves no name") {
  RelayScript relay;
  relay.run("> Q(prepare s as selec 1) < E(42601,syntax error) Z(I)");
  CHECK(relay.exchange.statements.find("s") == nullptr);
  CHECK_FALSE(relay.exchange.naming);
}

TEST_CASE("names in a string of statements that were dropped before in it are left to the server") {
  Prepared relay;
  relay.run("> Q(deallocate s; execute s)");
  CHECK(relay.server() == "Q(deallocate \"#1\"; execute s)");
  relay.run("< C(DEALLOCATE) E(26000,prepared statement \"s\" does not exist) Z(I)");
  CHECK(relay.exchange.statements.find("s") == nullptr);
}

TEST_CASE("nothing is renamed behind a DEALLOCATE ALL") {
  Prepared relay;
  relay.run("> Q(deallocate all; execute s)");
  CHECK(relay.server() == "Q(deallocate all; execute s)");
}

TEST_CASE("each name that a string drops is gone") {
  Prepared relay;
  relay.run("> Q(prepare t as select 2) < C(PREPARE) Z(I)");
  relay.run("> Q(deallocate s; deallocate t) < C(DEALLOCATE) C(DEALLOCATE) Z(I)");
  CHECK(relay.exchange.statements.find("s") == nullptr);
  CHECK(relay.exchange.statements.find("t") == nullptr);
}

TEST_CASE("a name that only the server knows is dropped in a string before one of ours") {
  Prepared relay;
  relay.run("> Q(select 1; prepare t as select 2) < C(SELECT 1) C(PREPARE) Z(I)");
  relay.run("> Q(deallocate t; deallocate s) < C(DEALLOCATE)");
  CHECK(relay.exchange.statements.find("s"));
  relay.run("< C(DEALLOCATE) Z(I)");
  CHECK_FALSE(relay.exchange.statements.find("s"));
}

TEST_CASE("a name that only the server knows may do anything beside one of ours") {
  Prepared relay;
  relay.run("> Q(execute s; select 2) < C(SELECT 1) C(SELECT 1) Z(I)");
  CHECK_FALSE(relay.exchange.watch.marks.contains(Mark::unseen));
  relay.run("> Q(select 1; prepare t as select 2) < C(SELECT 1) C(PREPARE) Z(I)");
  relay.run("> Q(execute s; execute t)");
  CHECK(relay.exchange.watch.marks.contains(Mark::unseen));
}

TEST_CASE("places behind a replaced name are further behind than in the client's text, by characters") {
  Prepared relay;
  relay.exchange.client.use_view(relay.exchange.worker.interner().intern({{"client_encoding", "UTF8"}}));
  relay.run("> Q(prepare \"\xc3\xb6\" as select 2) < C(PREPARE) Z(I)");
  relay.run("> Q(select 1; execute s; execute \"\xc3\xb6\"; selec 2)");
  const auto size = static_cast<std::int32_t>(relay.exchange.statements.find("s")->server_name.size()) + 2;
  CHECK(relay.exchange.naming->growth_before(10) == 0);
  CHECK(relay.exchange.naming->growth_before(19) == 0);  // the name itself
  CHECK(relay.exchange.naming->growth_before(19 + size) == size - 1);
  CHECK(relay.exchange.naming->growth_before(19 + 8 + 3 + 2 * size) == 2 * size - 1 - 3);
}

TEST_CASE("a name that the client does not have goes out as it is") {
  RelayScript relay;
  relay.run("> Q(execute t)");
  CHECK(relay.server() == "Q(execute t)");
}

TEST_CASE("a statement is named only when it is known what an earlier batch has done to the name") {
  RelayScript relay;
  relay.run("> P(s,select 1) S < 1 n Z(I) > P(,select 1/0) B() E C(s) S");
  const std::string naming =
      GENERATE("Q(execute s)", "Q(select 1; execute s)", "Q(deallocate s)", "Q(prepare s as select 2)",
               "P(,execute s)", "P(e,explain execute s)", "C(s)");
  relay.run("> " + naming);
  CHECK(relay.held() == naming);
  relay.run("< E(22012,division by zero) Z(I)");
  CHECK(relay.exchange.statements.find("s") != nullptr);
  relay.run("> " + naming);
  CHECK(relay.held().empty());
}

TEST_CASE("the unnamed statement of an earlier batch holds up no name") {
  Prepared relay;
  relay.run("> P(,select 2) B() E S Q(execute s)");
  CHECK(relay.held().empty());
}
