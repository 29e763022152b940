#include "proxy/state/pin_rules.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

using namespace pgweir;

namespace {

PinSet begins(const char* text, const Judgement& judgement = {}) {
  return may_begin(effects_of(text), judgement);
}
PinSet ends(const char* text, const Judgement& judgement = {}) {
  return may_end(effects_of(text), judgement);
}
constexpr Judgement strict{.strict = true};

}  // namespace

TEST_CASE("what may pin is suspected for its own reason") {
  CHECK(begins("create temp table t(a int)") == PinSet{Pin::temporary_object});
  CHECK(begins("select pg_advisory_lock(1)") == PinSet{Pin::advisory_lock});
  CHECK(begins("declare c cursor with hold for select 1") == PinSet{Pin::holdable_cursor});
  CHECK(begins("listen c") == PinSet{Pin::listen});
  CHECK(begins("load 'auto_explain'") == PinSet{Pin::load});
  CHECK(begins("select setseed(0.1)") == PinSet{Pin::session_function});
  CHECK(may_begin(effects_of_anything(), {}) == visible_pins);
}

TEST_CASE("what cannot pin is not suspected") {
  for (const char* text : {"select 1", "insert into t values (1)", "set work_mem to '1MB'", "select f(1)",
                           "declare c cursor for select 1", "select pg_advisory_xact_lock(1)",
                           "select nextval('s')", "create table t(a int)", "do $$ begin end $$"}) {
    INFO(text);
    CHECK(begins(text).empty());
  }
}

TEST_CASE("strict mode suspects what it cannot judge") {
  CHECK(begins("select f(1)", strict) == visible_pins);
  CHECK(begins("insert into t values (1)", strict) == visible_pins);
  CHECK(begins("do $$ begin end $$", strict) == visible_pins);
  CHECK(begins("call p()", strict) == visible_pins);
  CHECK(begins("select lower('X')", strict).empty());
  CHECK(begins("insert into t values (1)", {.strict = true, .trust_triggers = true}).empty());
  CHECK(ends("select f(1)", strict) == visible_pins);
}

TEST_CASE("what may end a pin") {
  CHECK(ends("select pg_advisory_unlock(1)") == PinSet{Pin::advisory_lock});
  CHECK(ends("select 1").empty());
  CHECK(may_end_by_tag("DROP TABLE") == PinSet{Pin::temporary_object});
  CHECK(may_end_by_tag("CLOSE CURSOR ALL") == PinSet{Pin::holdable_cursor});
  CHECK(may_end_by_tag("UNLISTEN") == PinSet{Pin::listen});
  CHECK(may_end_by_tag("DISCARD ALL") == visible_pins);
  CHECK(may_end_by_tag("SELECT 1").empty());
  CHECK(may_begin_by_tag("PREPARE") == PinSet{Pin::sql_prepare});
  CHECK(may_begin_by_tag("PREPARE TRANSACTION").empty());
}

TEST_CASE("a statement's first words are keywords only") {
  CHECK(leading_words("create temp table secret(a int)") == "CREATE TEMP TABLE");
  CHECK(leading_words("select 'secret'") == "SELECT");
  CHECK(leading_words("/* secret */ insert into secret values (1)") == "INSERT INTO");
  CHECK(leading_words("secret").empty());
}

TEST_CASE("every pin has a name and says how it ends") {
  for (std::size_t i = 0; i < pin_count; ++i) {
    const PinText& text = text_of(static_cast<Pin>(i));
    CHECK_FALSE(text.name.empty());
    CHECK_FALSE(text.ends.empty());
  }
  CHECK(to_string(PinSet{Pin::load, Pin::listen}) == "listen,load");
}
