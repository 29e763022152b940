#include "proxy/state/state_watch.hpp"

#include <catch2/catch.hpp>

using namespace pgweir;

TEST_CASE("a SET or RESET whose text nobody has read leaves settings that are not known") {
  StateWatch watch;
  const char* const tag = GENERATE("SET", "RESET");
  watch.known_sets = 1;
  watch.note_tag(tag);
  CHECK_FALSE(watch.sets_unknown());
  watch.note_tag(tag);
  CHECK(watch.sets_unknown());
  CHECK(watch.touched());
}

TEST_CASE("tags that are not of a SET tell nothing of settings") {
  StateWatch watch;
  for (const char* const tag : {"SELECT 1", "SAVEPOINT", "START TRANSACTION", "RELEASE", "ROLLBACK",
                                "REINDEX", "SET CONSTRAINTS", "INSERT 0 1", "BEGIN", ""}) {
    watch.note_tag(tag);
  }
  CHECK_FALSE(watch.sets_unknown());
  CHECK_FALSE(watch.touched());
}

TEST_CASE("a tag tells which pins may have ended, which alone leaves nothing behind") {
  const auto [tag, pins] = GENERATE(table<const char*, PinSet>({
      {"DEALLOCATE", {Pin::sql_prepare}},
      {"UNLISTEN", {Pin::listen}},
      {"DISCARD TEMP", {Pin::temporary_object}},
      {"DROP TABLE", {Pin::temporary_object}},
      {"CLOSE CURSOR", {Pin::holdable_cursor}},
      {"DO", visible_pins},
      {"DISCARD SEQUENCES", {}},
      {"CREATE TABLE", {}},
  }));
  CAPTURE(tag);
  StateWatch watch;
  watch.note_tag(tag);
  CHECK(watch.may_have_ended == pins);
  CHECK_FALSE(watch.touched());
}

TEST_CASE("a tag tells which pins may have begun, whatever the text was") {
  const auto [tag, pin] = GENERATE(table<const char*, Pin>({
      {"LISTEN", Pin::listen},
      {"LOAD", Pin::load},
      {"PREPARE", Pin::sql_prepare},
  }));
  StateWatch watch;
  watch.note_tag(tag);
  CHECK(watch.may_have_begun == PinSet{pin});
  CHECK(watch.touched());
  CHECK(watch.cause == tag);
}

TEST_CASE("the cause of a suspicion is the statement that raised it first") {
  StateWatch watch;
  watch.note_begin({}, "select 1");
  CHECK(watch.cause.empty());
  watch.note_begin({Pin::temporary_object}, "create temp table secret (a int)");
  watch.note_begin({Pin::load}, "load 'x'");
  CHECK(watch.cause == "CREATE TEMP TABLE");
  CHECK(watch.may_have_begun == PinSet{Pin::temporary_object, Pin::load});
}

TEST_CASE("a value of a sequence that was taken beside a DISCARD may have been taken after it") {
  StateWatch watch;
  watch.marks.insert(Mark::advanced_sequence);
  watch.note_tag("DISCARD TEMP");
  CHECK_FALSE(watch.marks.contains(Mark::discarded_sequences));
  watch.note_tag(GENERATE("DISCARD SEQUENCES", "DISCARD ALL"));
  CHECK(watch.marks.contains(Mark::discarded_sequences));
  CHECK(watch.marks.contains(Mark::advanced_sequence));
}

TEST_CASE("DISCARD ALL is something to take back, although it takes everything back itself") {
  StateWatch watch;
  watch.note_tag("DISCARD ALL");
  CHECK(watch.marks.contains(Mark::reset_seen));
  CHECK(watch.touched());
}

TEST_CASE("DDL makes what is known of code or of logins void, each where it may change that") {
  const auto [tag, code, defaults] = GENERATE(table<const char*, bool, bool>({
      {"CREATE FUNCTION", true, false},
      {"CREATE TRIGGER", true, false},
      {"DROP SCHEMA", true, false},
      {"ALTER TABLE", true, false},
      {"ALTER ROLE", false, true},
      {"ALTER DATABASE", false, true},
      {"ALTER ROUTINE", true, false},
      {"CREATE ROLE", false, false},
      {"CREATE TABLE", false, false},
      // What the block does is judged by its text.
      {"DO", false, false},
  }));
  CAPTURE(tag);
  StateWatch watch;
  watch.note_tag(tag);
  CHECK(watch.marks.contains(Mark::changed_functions) == code);
  CHECK(watch.marks.contains(Mark::changed_defaults) == defaults);
}

TEST_CASE("a watch that is cleared suspects nothing of what comes next") {
  StateWatch watch;
  for (const char* const tag : {"SET", "LISTEN", "DISCARD ALL", "ALTER ROLE", "DO"}) watch.note_tag(tag);
  watch.clear();
  CHECK_FALSE(watch.touched());
  CHECK(watch.marks == MarkSet{});
  CHECK(watch.may_have_ended.empty());
  watch.known_sets = 1;
  watch.note_tag("SET");
  CHECK_FALSE(watch.sets_unknown());
  watch.note_tag("LOAD");
  CHECK(watch.cause == "LOAD");
}
