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
  CHECK(relay.server() == "Q(PREPARE \"#1\" as select 1) Q(execute \"#1\")");
  relay.run("< C(PREPARE) Z(I) C(SELECT 1) Z(I)");
  CHECK(relay.client() == "C(SELECT 1) Z(I)");
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
  CHECK_FALSE(relay.exchange.naming.under_way);
}

TEST_CASE("a name that the client does not have goes out as it is") {
  RelayScript relay;
  relay.run("> Q(execute t)");
  CHECK(relay.server() == "Q(execute t)");
}
