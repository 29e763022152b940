#include "proxy/request/statement_provider.hpp"

#include <catch2/catch.hpp>

#include "../relay_script.hpp"

using namespace pgweir;
using test::RelayScript;
using Provided = StatementProvider::Provided;

namespace {

// The client has the statements "s" and "t", which return no rows. Its backend is another one than that which has
// parsed them.
struct Moved : RelayScript {
  explicit Moved(std::size_t statements_max = 100) : fresh(std::make_shared<Backend>(statements_max)) {
    run("> P(s,select 1) P(t,select 2) S < 1 t n 1 t n Z(I)");
    server();
    client();
    fresh->applied = fresh->parameters = worker().shared().no_settings;
    exchange.backend = fresh.get();
    s = exchange.statements.find("s");
    t = exchange.statements.find("t");
  }
  // As for a message of the client's that uses the name.
  Provided provide(const char* name) {
    given = exchange.statements.find(name);
    return provider.provide(name, given, true);
  }
  std::uint64_t injected() { return pool().counters(worker()).statements_injected.get(); }

  std::shared_ptr<Backend> fresh;
  StatementProvider provider{exchange};
  StatementRef s;
  StatementRef t;
  StatementRef given;  // what the client's name stands for now
};

}  // namespace

TEST_CASE("a backend that lacks a statement is given it once, and its description is asked for") {
  Moved relay;
  CHECK(relay.provide("s") == Provided::yes);
  CHECK(relay.server() == "P(#1,select 1) Ds(#1)");
  CHECK(relay.provide("s") == Provided::yes);
  CHECK(relay.server().empty());
  CHECK(relay.injected() == 1);
  // Behind a Sync the Parse may have failed, while what is sent now would not.
  relay.run("> S");
  CHECK(relay.provide("s") == Provided::not_yet);
  relay.run("< 1 t n Z(I)");
  CHECK(relay.provide("s") == Provided::yes);
  CHECK(relay.server() == "S");
  CHECK(relay.client() == "Z(I)");
}

TEST_CASE("a name that stands for nothing needs nothing: the server says that") {
  Moved relay;
  CHECK(relay.provide("nothing") == Provided::yes);
  CHECK(relay.server().empty());
}

TEST_CASE("a statement of which only a part may be left is closed before it is parsed again") {
  Moved relay;
  relay.provide("s");
  relay.run("> S < 1 t n Z(I)");
  relay.server();
  relay.fresh->statements.doubt(relay.s);
  CHECK(relay.provide("s") == Provided::yes);
  CHECK(relay.server() == "Cs(#1) P(#1,select 1) Ds(#1)");
}

TEST_CASE("what the server may have planned under one client's settings is parsed again for another client") {
  Moved relay;
  const auto use = [&](std::uint64_t session, SettingMap settings) {
    relay.exchange.session_id = session;
    relay.exchange.client.desired = relay.worker().interner().intern(std::move(settings));
    // Beside unread code its description is waited for.
    const Provided provided = relay.provide("s");
    const std::string sent = relay.server();
    if (!sent.empty()) relay.run(sent.starts_with("C") ? "> S < 3 1 t n Z(I)" : "> S < 1 t n Z(I)");
    CHECK((provided == Provided::yes || relay.provide("s") == Provided::yes));
    relay.server();
    return sent;
  };
  const char* const again = "Cs(#1) P(#1,select 1) Ds(#1)";
  CHECK(use(1, {}) == "P(#1,select 1) Ds(#1)");
  CHECK(use(2, {}).empty());
  CHECK(use(2, {{"search_path", "mine"}}).empty());
  CHECK(use(1, {}).empty());
  SECTION("for the one who has set something, and for the next one who has not") {
    CHECK(use(2, {{"bytea_output", "escape"}}) == again);
    CHECK_FALSE(relay.fresh->statements.was_parsed_lately(relay.s, relay.worker().now()));
    CHECK(use(1, {}) == again);
    CHECK(use(3, {}).empty());
  }
  SECTION("not for the one whose literals would only be read otherwise, but for others after it") {
    CHECK(use(2, {{"timezone", "Asia/Tokyo"}}).empty());
    CHECK(use(2, {}).empty());
    CHECK(use(1, {}) == again);
    CHECK(use(1, {{"timezone", "Asia/Tokyo"}}).empty());
    CHECK(use(2, {{"timezone", "Asia/Tokyo"}}) == again);
    CHECK(use(2, {}) == again);  // the last Parse has read them in Tokyo
  }
  SECTION("not for one who has set the same") {
    CHECK(use(2, {{"role", "other"}}) == again);
    CHECK(use(3, {{"role", "other"}}).empty());
    CHECK(use(2, {{"role", "third"}}) == again);
    CHECK(use(1, {}) == again);
  }
  SECTION("not for the only one who has used it: on a connection of its own it would go on with it, too") {
    CHECK(use(2, {{"role", "other"}}) == again);
    CHECK(use(2, {}).empty());
    CHECK(use(2, {{"role", "third"}}).empty());
    CHECK(use(3, {{"role", "third"}}) == again);  // the second plan was made for another role
  }
  SECTION("where it is not known what is set") {
    relay.exchange.watch.marks.insert(Mark::unseen);
    CHECK(use(4, {}) == again);
    CHECK(use(4, {}).empty());
    CHECK(use(5, {}) == again);  // neither is known, which does not make them alike
  }
  SECTION("where that may change before it runs") {
    relay.provider.expect_other_settings();
    CHECK(use(4, {}) == again);
    CHECK(use(5, {}) == again);
  }
  SECTION("after a Parse that did not take place") {
    CHECK(use(2, {{"role", "other"}}) == again);
    relay.fresh->statements.begin_parse(relay.s, 99);
    relay.fresh->statements.end_parse(relay.s, Outcome::skipped);
    CHECK(use(1, {}) == again);
  }
}

TEST_CASE("types that the server has inferred once are those of the next Parse") {
  Moved relay;
  const ByteBuffer text_type = {0, 1, 0, 0, 0, 25};
  const StatementRef statement =
      relay.pool().statements().intern("select $1", no_parameter_types, nullptr, 1);
  statement->shape.learn({.parameter_types = text_type, .columns = {}});
  CHECK(relay.provider.provide_named(statement) == Progress::done);
  ByteBuffer expected;
  write_parse(expected, statement->server_name, "select $1", text_type);
  const ByteBuffer sent = relay.worker().to_server().bytes();
  CHECK(as_text(sent).starts_with(as_text(expected)));
}

// --- Statements that have changed

TEST_CASE("a statement that a backend describes differently is looked at once more before anybody suffers") {
  Moved relay;
  const bool described = GENERATE(true, false);
  if (described) relay.exchange.statements.mark_described("s");
  // Who reads rows by a description waits for the new one.
  const Provided while_asked = described ? Provided::not_yet : Provided::yes;
  CHECK(relay.provide("s") == while_asked);
  CHECK(relay.provide("s") == while_asked);
  CHECK(relay.server() == "P(#1,select 1) Ds(#1)");
  relay.run("> S < 1 t T(a,25) Z(I)");
  relay.server();
  CHECK(relay.provide("s") == while_asked);
  CHECK(relay.server() == "Cs(#1) P(#1,select 1) Ds(#1)");
  SECTION("it is the same again") {
    relay.run("> S < 3 1 t n Z(I)");
    relay.server();
    CHECK(relay.provide("s") == Provided::yes);
    CHECK(relay.server().empty());
  }
  SECTION("it has changed: who was told has to hear of it, and who was not gets the new one") {
    relay.run("> S < 3 1 t T(a,25) Z(I)");
    relay.server();
    CHECK(relay.provide("s") == (described ? Provided::changed : Provided::yes));
    CHECK(relay.server() == (described ? "" : "P(#3,select 1) Ds(#3)"));
    CHECK((relay.given == relay.s) == described);
    CHECK(relay.exchange.statements.find("s") == relay.given);
  }
  SECTION("code that is not judged may have changed the search_path: nobody gets another statement") {
    relay.run("> S < 3 1 t T(a,25) Z(T)");
    relay.server();
    relay.exchange.code.unjudged = {"select f()"};
    CHECK(relay.provide("s") == Provided::changed);
    CHECK(relay.given == relay.s);
  }
  SECTION("in a failed transaction the server has to say that first") {
    relay.run("> S < 3 1 t T(a,25) Z(E)");
    relay.server();
    SECTION("as long as it is one") {
      CHECK(relay.provide("s") == Provided::yes);
      CHECK(relay.given == relay.s);
    }
    SECTION("and not behind a ROLLBACK in the same pipeline") {
      relay.run("> P(,rollback) B() E H < 1 2 C(ROLLBACK)");
      relay.server();
      CHECK(relay.provide("s") == (described ? Provided::changed : Provided::yes));
      CHECK((relay.given == relay.s) == described);
    }
  }
}

TEST_CASE("a client that asks for binary values relies on a description, wherever it has it from") {
  Moved relay;
  const ByteBuffer binary = {0, 0, 0, 0, 0, 1, 0, 1};
  BindView bind;
  bind.rest = binary;
  CHECK(relay.provider.provide("s", relay.s, true, &bind) == Provided::not_yet);
}

TEST_CASE("an EXECUTE of the statement is told by the server what it returns") {
  Moved relay;
  relay.exchange.statements.mark_described("s");
  CHECK(relay.provider.provide("s", relay.s, false) == Provided::yes);
}

TEST_CASE(
    "a statement by SQL is compared with what its client was told, and one that was not described is not") {
  Moved relay;
  relay.exchange.backend = &relay.backend();
  relay.run("> Q(prepare q as select 3) < C(PREPARE) Z(I)");
  const bool described = GENERATE(true, false);
  if (described) relay.run("> Ds(q) S < t n Z(I)");
  relay.exchange.backend = relay.fresh.get();
  relay.server();
  relay.client();
  CHECK(relay.provide("q") == (described ? Provided::not_yet : Provided::yes));
  CHECK(relay.server() ==
        (described ? "Q(prepare \"#3\" as select 3) Ds(#3)" : "Q(prepare \"#3\" as select 3)"));
  if (!described) return;
  const bool same = GENERATE(true, false);
  relay.run(same ? "> S < C(PREPARE) Z(I) t n Z(I)" : "> S < C(PREPARE) Z(I) t T(a,25) Z(I)");
  relay.server();
  if (!same) {
    CHECK(relay.provide("q") == Provided::not_yet);
    CHECK(relay.server() == "Cs(#3) S Q(prepare \"#3\" as select 3) Ds(#3)");
    relay.run("> S < 3 Z(I) C(PREPARE) Z(I) t T(a,25) Z(I)");
    relay.server();
  }
  CHECK(relay.provide("q") == (same ? Provided::yes : Provided::changed));
  CHECK(relay.server().empty());
}

// --- The unnamed statement

TEST_CASE("another client's unnamed statement never runs for this one") {
  Moved relay;
  StatementRef mine = make_unnamed("select 3", no_parameter_types);
  SECTION("this one has its own") {
    CHECK(relay.provider.provide({}, mine, true) == Provided::yes);
    CHECK(relay.server() == "P(,select 3)");
  }
  SECTION("this one has none") {
    mine = nullptr;
    CHECK(relay.provider.provide({}, mine, true) == Provided::yes);
    CHECK(relay.server() == "Cs()");
  }
  CHECK(relay.provider.provide({}, mine, true) == Provided::yes);
  CHECK(relay.server().empty());
  relay.run("> S");
  CHECK(relay.provider.provide({}, mine, true) == Provided::not_yet);
}

TEST_CASE("an unnamed statement that the client was told of is compared before it runs") {
  Moved relay;
  StatementRef mine = make_unnamed("select 3", no_parameter_types);
  mine->shape.learn({.parameter_types = {0, 0}, .columns = {}});
  relay.exchange.statements.put({}, mine);
  relay.exchange.statements.mark_described({});
  CHECK(relay.provider.provide({}, mine, true) == Provided::not_yet);
  CHECK(relay.server() == "P(,select 3) Ds()");
  const bool same = GENERATE(true, false);
  relay.run(same ? "< 1 t n" : "< 1 t T(a,25)");
  CHECK(relay.provider.provide({}, mine, true) == (same ? Provided::yes : Provided::changed));
  CHECK(relay.server().empty());
}

// --- In front of a Query

TEST_CASE("what a Query needs goes before it in a group of its own, whose error the client does not see") {
  Moved relay;
  SECTION("not there") {
    CHECK(relay.provider.provide_for_query(relay.s) == Progress::done);
    CHECK(relay.server() == "P(#1,select 1) Ds(#1) S");
  }
  SECTION("perhaps there") {
    relay.fresh->statements.begin_parse(relay.s, 0);
    relay.fresh->statements.end_parse(relay.s, Outcome::done);
    relay.fresh->statements.doubt(relay.s);
    CHECK(relay.provider.provide_for_query(relay.s) == Progress::done);
    CHECK(relay.server() == "Cs(#1) P(#1,select 1) Ds(#1) S");
    relay.exchange.backend = relay.fresh.get();
  }
  CHECK(relay.provider.provide_for_query(relay.s) == Progress::hold);
  relay.run("< E(42P01,no such table) Z(I)");
  CHECK(relay.client().empty());
  CHECK(relay.exchange.tracker.settled());
}

TEST_CASE("a group of pgweir's waits while an error of the client's could skip it") {
  Moved relay;
  relay.run("> P(,select 3) B() E Q(select 4)");
  relay.server();
  CHECK(relay.provider.provide_for_query(relay.s) == Progress::hold);
  CHECK(relay.server().empty());
  relay.run("< 1 2 C(SELECT 1) C(SELECT 1) Z(I)");
  CHECK(relay.provider.provide_for_query(relay.s) == Progress::done);
}

TEST_CASE("within a batch the client's own Sync ends what was put before a Query") {
  Moved relay;
  relay.provide("t");
  relay.server();
  CHECK(relay.provider.provide_for_query(relay.s) == Progress::done);
  CHECK(relay.server() == "P(#1,select 1) Ds(#1)");
}

TEST_CASE("what may be left of a statement by SQL is closed in time, as a name that is taken is an error") {
  Moved relay;
  const StatementRef by_sql = relay.pool().statements().make_by_sql(" as select 1", "select 1");
  relay.fresh->statements.begin_parse(by_sql, 0);
  relay.fresh->statements.end_parse(by_sql, Outcome::done);
  relay.fresh->statements.doubt(by_sql);
  CHECK(relay.provider.provide_named(by_sql) == Progress::done);
  CHECK(relay.server() == "Cs(#3) S Q(PREPARE \"#3\" as select 1)");
  relay.run("< 3 Z(I) C(PREPARE) Z(I)");
  CHECK(relay.client().empty());
  CHECK(relay.provider.provide_named(by_sql) == Progress::done);
  CHECK(relay.server().empty());
}

// --- Room on the backend

TEST_CASE("at the limit the least recently used statement makes room for another one") {
  Moved relay(1);
  relay.provide("s");
  relay.run("> S < 1 t n Z(I)");
  relay.server();
  CHECK(relay.provide("t") == Provided::yes);
  CHECK(relay.server() == "Cs(#1) P(#2,select 2) Ds(#2)");
}

TEST_CASE("between two batches what is too much is closed, and the client sees nothing of it") {
  Moved relay(1);
  relay.provide("s");
  relay.provide("t");  // the first one is under way, and cannot be closed
  CHECK(relay.server() == "P(#1,select 1) Ds(#1) P(#2,select 2) Ds(#2)");
  relay.run("> S < 1 t n 1 t n Z(I)");
  relay.server();
  relay.client();
  relay.provider.trim(0);
  CHECK(relay.server() == "Cs(#1) S");
  relay.run("< 3 Z(I)");
  CHECK(relay.client().empty());
  relay.provider.trim(0);
  CHECK(relay.server().empty());
  relay.provider.trim(1);
  CHECK(relay.server() == "Cs(#2) S");
}
