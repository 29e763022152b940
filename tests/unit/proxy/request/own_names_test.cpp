#include "proxy/request/own_names.hpp"

#include <catch2/catch.hpp>

#include "../relay_script.hpp"

using namespace pgweir;
using test::RelayScript;

namespace {

// The client has prepared `s` by a Parse.
struct Named : RelayScript {
  Named() {
    run("> P(s,select 1) S < 1 t n Z(I)");
    server();
    client();
  }
};

}  // namespace

TEST_CASE("who looks at the list gets a connection of its own names, and keeps it") {
  Named relay;
  relay.run("> Q(table pg_prepared_statements)");
  CHECK(relay.exchange.has_own_names());
  const std::string sent = relay.server();
  CHECK(sent.starts_with("Cs(#1) "));
  CHECK(sent.ends_with("S P(s,select 1) Ds(s) S Q(table pg_prepared_statements)"));
  relay.run("< 3 3 3 3 Z(I) 1 t n Z(I) C(SELECT 1) Z(I)");
  CHECK(relay.client() == "C(SELECT 1) Z(I)");
  relay.run("> Q(execute s) < C(SELECT 1) Z(I) > C(s) S");
  CHECK(relay.server() == "Q(execute s) Cs(s) S");
  relay.run("< 3 Z(I)");
  CHECK(relay.client() == "C(SELECT 1) Z(I) 3 Z(I)");
  CHECK(relay.exchange.statements.find("s") == nullptr);
}

TEST_CASE("a statement whose rows are not what its client was told fails where it is used") {
  RelayScript relay;
  relay.run("> P(s,table t) Ds(s) S < 1 t T(a,23) t T(a,23) Z(I)");
  relay.run("> Q(table pg_prepared_statements)");
  relay.server();
  relay.client();
  relay.run("< 3 3 3 3 Z(I) 1 t T(a,25) Z(I) C(SELECT 1) Z(I) > B(s) E S");
  CHECK(relay.server().find("B(s)") == std::string::npos);
  relay.run("< E(26000,no such statement) Z(I)");
  CHECK(relay.client() == "C(SELECT 1) Z(I) E(0A000) Z(I)");
}

TEST_CASE("what is under way is awaited first") {
  Named relay;
  relay.run("> Q(select 1) Q(table pg_prepared_statements)");
  CHECK(relay.held() == "Q(table pg_prepared_statements)");
  CHECK_FALSE(relay.exchange.has_own_names());
}

TEST_CASE("code that runs a name in a string matters to a client that has names") {
  RelayScript without;
  without.run("> Q(select run('execute s'))");
  CHECK_FALSE(without.exchange.has_own_names());
  Named relay;
  relay.run("> Q(select run('select 1')) < C(SELECT 1) Z(I)");
  CHECK_FALSE(relay.exchange.has_own_names());
}

TEST_CASE("in a failed transaction nothing is looked at") {
  Named relay;
  relay.run("> Q(begin) < C(BEGIN) Z(T) > Q(select 1/0) < E(22012,division by zero) Z(E)");
  relay.server();
  relay.run("> Q(table pg_prepared_statements)");
  CHECK(relay.server() == "Q(table pg_prepared_statements)");
  CHECK_FALSE(relay.exchange.has_own_names());
}

TEST_CASE("in a transaction a statement that cannot be prepared any more does not fail it") {
  Named relay;
  relay.run("> Q(begin) < C(BEGIN) Z(T)");
  relay.server();
  relay.run("> Q(table pg_prepared_statements)");
  const std::string sent = relay.server();
  CHECK(sent.find("Q(SAVEPOINT ") != std::string::npos);
  CHECK(sent.find(" P(s,select 1) Ds(s) S Q(ROLLBACK TO SAVEPOINT ") != std::string::npos);
  CHECK(sent.ends_with(" Q(table pg_prepared_statements)"));
  relay.run(
      "< 3 3 3 3 Z(T) C(SAVEPOINT) Z(T) E(42P01,gone) Z(E) C(ROLLBACK) Z(T) C(RELEASE) Z(T) C(SELECT 1) "
      "Z(T)");
  CHECK(relay.client() == "C(BEGIN) Z(T) C(SELECT 1) Z(T)");
  CHECK(relay.exchange.statements.find("s") != nullptr);
}
