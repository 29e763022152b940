#include "proxy/reply/shape_learner.hpp"

#include <catch2/catch.hpp>

#include "../relay_script.hpp"

using namespace pgweir;
using test::RelayScript;
using Description = BackendStatements::Description;

namespace {

// A client has "s", which returns a column of text, and another client has the same statement.
struct Learned : RelayScript {
  Learned() {
    run("> P(s,select * from t) S < 1 t T(a,25) Z(I)");
    server();
    client();
    shared = statement("s");
  }
  const StatementRef& statement(const char* name) { return exchange.statements.find(name); }
  Description description(const StatementRef& of) { return backend().statements.description_of(of); }
  // Whether a client that parses the text now gets the statement.
  bool is_shared() {
    run("> P(later,select * from t)");
    return statement("later") == shared;
  }

  StatementRef shared;
};

}  // namespace

TEST_CASE("what the server first says of a statement is what each backend has to say of it") {
  Learned relay;
  relay.byte_by_byte = GENERATE(false, true);
  relay.lend();
  const bool same = GENERATE(true, false);
  relay.run("> B(s) S < 1 t");
  CHECK(relay.description(relay.shared) == Description::asked);
  relay.run(same ? "< T(a,25)" : "< T(a,23)");
  CHECK(relay.description(relay.shared) == (same ? Description::same : Description::changed));
  relay.run("< 2 Z(I)");
  CHECK(relay.client() == "2 Z(I)");
  CHECK(relay.statement("s") == relay.shared);
}

TEST_CASE("a client that parses a statement which has changed meanwhile gets one of its own shape") {
  Learned relay;
  relay.lend();
  relay.run("> P(t,select * from t) S");
  REQUIRE(relay.statement("t") == relay.shared);
  relay.run("< 1 t T(a,23) Z(I)");
  const StatementRef fresh = relay.statement("t");
  REQUIRE(fresh != relay.shared);
  REQUIRE(fresh->shape.get() != nullptr);
  CHECK(fresh->text == relay.shared->text);
  CHECK(*fresh->shape.get() != *relay.shared->shape.get());
  // Who has been told before keeps what was told.
  CHECK(relay.statement("s") == relay.shared);
  CHECK_FALSE(relay.is_shared());
}

TEST_CASE("a client that was described the new statement already need not be described it again") {
  Learned relay;
  relay.lend();
  const bool describes = GENERATE(true, false);
  relay.run(describes ? "> P(t,select * from t) Ds(t) S < 1 t T(a,23) t T(a,23) Z(I)"
                      : "> P(t,select * from t) S < 1 t T(a,23) Z(I)");
  REQUIRE(relay.statement("t") != relay.shared);
  CHECK(relay.exchange.statements.is_described("t") == describes);
}

TEST_CASE("a name that stands for something else by now does not get the new statement") {
  Learned relay;
  relay.lend();
  relay.run("> P(t,select * from t) S");
  relay.run("< 1");
  relay.exchange.statements.put("t", make_unnamed("select 2", no_parameter_types));
  relay.run("< t T(a,23) Z(I)");
  CHECK(relay.statement("t")->text == "select 2");
}

TEST_CASE("what the client asks about a named statement is for the client alone") {
  Learned relay;
  relay.run("> Ds(s) S < t T(a,23) Z(I)");
  CHECK(relay.client() == "t T Z(I)");
  CHECK(relay.description(relay.shared) == Description::same);
  CHECK(relay.is_shared());
}

TEST_CASE("the unnamed statement's shape is known from what its client asks") {
  Learned relay;
  relay.run("> P(,select * from t) Ds() S < 1 t T(a,25) Z(I)");
  CHECK(relay.client() == "1 t T Z(I)");
  const StatementRef unnamed = relay.statement("");
  REQUIRE(unnamed->shape.get() != nullptr);
  CHECK(*unnamed->shape.get() == *relay.shared->shape.get());
}

TEST_CASE("a description that is too long to be looked at is taken for what all were told") {
  Learned relay;
  relay.lend();
  relay.run("> B(s) S < 1 t T(" + std::string(ShapeReader::size_max + 1, 'a') + ",25) 2 Z(I)");
  CHECK(relay.description(relay.shared) == Description::same);
  CHECK(relay.client() == "2 Z(I)");
}
