#include "proxy/request/state_notes.hpp"

#include <catch2/catch.hpp>

#include "../relay_script.hpp"

using namespace pgweir;
using test::RelayScript;

namespace {

bool marked(const RelayScript& relay, Mark mark) {
  return relay.exchange.watch.marks.contains(mark);
}

}  // namespace

TEST_CASE("what text decides is known when it is over") {
  RelayScript relay;
  relay.byte_by_byte = GENERATE(false, true);
  relay.run("> Q(set work_mem = '8MB') < C(SET) Z(I)");
  const SettingsStep& committed = relay.exchange.journal.committed();
  REQUIRE(committed.size() == 1);
  CHECK(committed[0].name == "work_mem");
  CHECK(committed[0].value == "8MB");
  CHECK_FALSE(relay.exchange.watch.sets_unknown());
}

TEST_CASE("what fails or is rolled back was never set") {
  RelayScript relay;
  SECTION("an error") {
    relay.run("> Q(set work_mem = 'much') < E(22023,no) Z(I)");
  }
  SECTION("a rollback") {
    relay.run(
        "> Q(begin) < C(BEGIN) Z(T) > Q(set work_mem = '8MB') < C(SET) Z(T) > Q(rollback) < C(ROLLBACK) "
        "Z(I)");
  }
  CHECK(relay.exchange.journal.committed().empty());
  CHECK_FALSE(relay.exchange.watch.sets_unknown());
}

TEST_CASE("what ends with the transaction leaves nothing") {
  RelayScript relay;
  const std::string set =
      GENERATE(as<std::string>{}, "set local work_mem = '8MB'", "select set_config('app.tenant', '7', true)");
  relay.run("> Q(begin) < C(BEGIN) Z(T) > Q(" + set + ") < C(SET) Z(T) > Q(commit) < C(COMMIT) Z(I)");
  CHECK(relay.exchange.journal.committed().empty());
  CHECK(relay.exchange.journal.doubts().empty());
}

TEST_CASE("a function that nobody knows raises a question, and one that is known does not") {
  RelayScript relay;
  relay.run("> Q(select upper('a')) < C(SELECT 1) Z(I)");
  CHECK(relay.exchange.code.question.empty());
  relay.run("> Q(select my_function()) < C(SELECT 1) Z(I)");
  CHECK_FALSE(relay.exchange.code.question.empty());
  CHECK(relay.exchange.code.unjudged.size() == 1);
}

TEST_CASE("a text that nobody can read may do anything") {
  RelayScript relay;
  relay.run("> Q(do $$ begin execute 'se' || 't x.y = 1'; end $$) < C(DO) Z(I)");
  CHECK(marked(relay, Mark::unseen));
  CHECK(marked(relay, Mark::unknown_names));
}

TEST_CASE("what may pin is suspected from the text") {
  RelayScript relay;
  relay.run("> Q(create temporary table t (a int)) < C(CREATE TABLE) Z(I)");
  CHECK(relay.exchange.watch.may_have_begun.contains(Pin::temporary_object));
  CHECK(relay.exchange.watch.cause == "CREATE TEMPORARY TABLE");
}

TEST_CASE("DDL that has been committed ends what is known of texts for all") {
  RelayScript relay;
  const std::uint64_t before = relay.pool().schema_version()->get();
  relay.run("> Q(alter table t add b int) < C(ALTER TABLE) Z(I)");
  CHECK(relay.pool().schema_version()->get() > before);
}

TEST_CASE("what is made with a call of code that leaves something makes pgweir read the definitions anew") {
  RelayScript relay;
  const auto [text, forgets] = GENERATE(table<std::string, bool>({
      {"create index on t (lower(a))", false},
      {"create table t (a text default set_config('a.b'; 'c'; false))", true},
      {"alter domain d set default set_config('a.b'; 'c'; false)", true},
      {"select set_config('a.b'; 'c'; false) as created", false},
      {"create table t (a varchar(10))", false},
  }));
  CAPTURE(text);
  relay.run("> Q(" + text + ")");
  CHECK(marked(relay, Mark::changed_functions) == forgets);
}
