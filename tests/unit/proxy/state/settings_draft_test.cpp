#include "proxy/state/settings_draft.hpp"

#include <catch2/catch.hpp>

#include "protocol/sql_cursor.hpp"

using namespace pgweir;

namespace {

// Whether the server would take the SET without a word; what follows it is not looked at.
bool is_strict(std::string_view text) {
  SqlCursor cursor(text, {});
  return skip_strict_set(cursor) && cursor.at_statement_end();
}

}  // namespace

TEST_CASE("a SET that the server takes without a word is passed over up to its end") {
  const char* const text = GENERATE(
      "SET extra_float_digits = -3", "SET extra_float_digits TO +1; no SQL at all",
      "SET search_path TO mine, \"Yours\", 'theirs'", "set session \"work_mem\" = '3MB'",
      "SET DateStyle = ISO, DMY;", "SET TIME ZONE LOCAL", "SET TIME ZONE 'UTC'; RESET ALL",
      "SET NAMES 'utf8'", "SET SESSION AUTHORIZATION DEFAULT",
      "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", "SET jit TO off", "SET work_mem = DEFAULT");
  CAPTURE(text);
  CHECK(is_strict(text));
}

TEST_CASE("a SET that the server may refuse or remark on is left to it") {
  const std::string cut(64, 'a');
  const std::string text = GENERATE_COPY(
      as<std::string>{}, "SET extra_float_digits = -", "SET extra_float_digits = - on", "SET jit = select",
      "SET application_name = some, list", "SET work_mem =", "SET work_mem '3MB'", "SET search_path = mine,",
      "SET search_path = (mine)", "SET SESSION AUTHORIZATION anna", "SET SESSION", "SET TIME ZONE utc",
      "SET TIME ZONE INTERVAL '1' HOUR", "SET work_mem = DEFAULT DEFAULT", "SET LOCAL work_mem = 1",
      // Names that are cut, with a notice.
      "SET " + cut + " = 1", "SET \"" + cut + "\" = 1", "SET search_path = " + cut);
  CAPTURE(text);
  CHECK_FALSE(is_strict(text));
}

TEST_CASE("a name of 63 bytes is not cut, with or without quotes") {
  const std::string longest(63, 'a');
  CHECK(is_strict("SET search_path = " + longest));
  CHECK(is_strict("SET search_path = \"" + longest + '"'));
}

TEST_CASE("RESET ALL brings back what a client has brought also where it has nothing any more") {
  const SettingMap startup{{"work_mem", "3MB"}};
  const SettingMap desired{{"jit", "off"}};
  const ParameterMap view;
  SettingsDraft draft(startup, desired, view);
  CHECK(draft.reset_all());
  CHECK(draft.take_result() == startup);
}

TEST_CASE("a session whose settings are as they were has nothing new after its resets") {
  const SettingMap startup{{"work_mem", "3MB"}, {"timezone", "UTC"}};
  const ParameterMap view{{"TimeZone", "UTC"}};
  SettingsDraft draft(startup, startup, view);
  CHECK(draft.take("RESET work_mem"));
  CHECK(draft.take("SET timezone TO DEFAULT"));
  CHECK(draft.take("SET TIME ZONE 'utc'"));
  CHECK(draft.reset_all());
  CHECK_FALSE(draft.take_result());
}

TEST_CASE("functions are looked up by the search_path that the statements before have left") {
  const SettingMap startup;
  const SettingMap desired{{"search_path", "mine, pg_catalog"}};
  const ParameterMap view;
  SettingsDraft draft(startup, desired, view);
  CHECK_FALSE(draft.searches_catalog_first());
  CHECK(draft.take("RESET search_path"));
  CHECK(draft.searches_catalog_first());
}
