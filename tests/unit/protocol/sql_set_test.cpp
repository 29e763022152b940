#include "protocol/sql_set.hpp"

#include <catch2/catch.hpp>

using namespace pgweir;

namespace {

struct SetCase {
  const char* sql;
  const char* name;
  const char* value;
};

// Each was run on PostgreSQL 15 beside set_config(name, value, false) on a second connection:
// current_setting(), current_user and session_user were equal afterwards.
const SetCase confirmed[] = {
    // clang-format off
    {"SET search_path TO foo", "search_path", "foo"},
    {"SET search_path TO Foo", "search_path", "foo"},
    {"SET search_path TO \"Foo\"", "search_path", "\"Foo\""},
    {"SET search_path TO \"Fo\"\"o\", public", "search_path", "\"Fo\"\"o\", public"},
    {"SET search_path = 'a, b'", "search_path", "\"a, b\""},
    {"SET search_path = ''", "search_path", "\"\""},
    {"SET search_path TO \"$user\", public", "search_path", "\"$user\", public"},
    {"set search_path = pg_catalog, \"My Schema\", 'x'", "search_path", "pg_catalog, \"My Schema\", x"},
    {"SET SCHEMA 'Other'", "search_path", "\"Other\""},
    {"SET search_path TO _a1", "search_path", "_a1"},
    {"SET search_path TO 'é'", "search_path", "\"é\""},
    {"SET work_mem TO '64MB'", "work_mem", "64MB"},
    {"SET work_mem = 8192", "work_mem", "8192"},
    {"SET work_mem = 0008192", "work_mem", "8192"},
    {"SET work_mem TO +8192", "work_mem", "8192"},
    {"SET sort_mem = 1234", "work_mem", "1234"},
    {"SET vacuum_mem = 5555", "maintenance_work_mem", "5555"},
    {"SET \"Work_Mem\" = '5MB'", "work_mem", "5MB"},
    {"SET geqo TO off", "geqo", "off"},
    {"SET geqo = ON", "geqo", "on"},
    {"SET geqo = True", "geqo", "true"},
    {"SET geqo = FALSE", "geqo", "false"},
    {"SET geqo TO 'no'", "geqo", "no"},
    {"SET geqo = 0", "geqo", "0"},
    {"SET seq_page_cost = 1.50", "seq_page_cost", "1.50"},
    {"SET seq_page_cost = .5", "seq_page_cost", ".5"},
    {"SET seq_page_cost = 2.", "seq_page_cost", "2."},
    {"SET seq_page_cost = 1e1", "seq_page_cost", "1e1"},
    {"SET seq_page_cost = 1E+2", "seq_page_cost", "1E+2"},
    {"SET seq_page_cost=+3.25", "seq_page_cost", "3.25"},
    {"SET extra_float_digits =-2", "extra_float_digits", "-2"},
    {"SET extra_float_digits=-5", "extra_float_digits", "-5"},
    {"SET extra_float_digits = - 3", "extra_float_digits", "-3"},
    {"SET statement_timeout = '15min'", "statement_timeout", "15min"},
    {"SET statement_timeout TO 00000000000000012", "statement_timeout", "12"},
    {"SET SESSION statement_timeout TO $$7s$$", "statement_timeout", "7s"},
    {"SET statement_timeout = $x$8s$x$;", "statement_timeout", "8s"},
    {"SET application_name = 'it''s'", "application_name", "it's"},
    {"SET application_name TO E'tab\\there'", "application_name", "tab\there"},
    {"SET application_name = E'\\x41\\102\\u0043\\'\\\\'", "application_name", "ABC'\\"},
    {"SET application_name TO E'a\\qb'", "application_name", "aqb"},
    {"SET application_name TO MixedCase", "application_name", "mixedcase"},
    {"SET application_name TO \"MixedCase\"", "application_name", "MixedCase"},
    {"SET application_name TO ''", "application_name", ""},
    {"SET application_name = 'x' /* c */ -- d", "application_name", "x"},
    {"SET app.tenant = 'Acme'", "app.tenant", "Acme"},
    {"SET App.Tenant = 'Acme'", "app.tenant", "Acme"},
    {"SET \"App\".\"Tenant\" TO 42", "app.tenant", "42"},
    {"SET \"app.tenant\" = 'z'", "app.tenant", "z"},
    {"SET a.b.c = 'q'", "a.b.c", "q"},
    {"SET app.n = -17", "app.n", "-17"},
    {"SET app.n = -0", "app.n", "0"},
    {"SET app.n = 007", "app.n", "7"},
    {"SET app.n = -007.50", "app.n", "-007.50"},
    {"SET app.n = 2147483647", "app.n", "2147483647"},
    {"SET app.n = 2147483648", "app.n", "2147483648"},
    {"SET app.n = 00002147483648", "app.n", "00002147483648"},
    {"SET app.n = -2147483648", "app.n", "-2147483648"},
    {"SET app.b = TRUE", "app.b", "true"},
    {"SET app.b = Off", "app.b", "off"},
    {"SET app.s = 'ünïcode'", "app.s", "ünïcode"},
    {"SET app.s = \"ünïcode\"", "app.s", "ünïcode"},
    {"SET app.s = aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggggggggg", "app.s", "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg"},
    {"SET app.s = \"Aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggggggggg\"", "app.s", "Aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg"},
    {"SET app.s = 'aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggggggggg'", "app.s", "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggggggggg"},
    {"SET app.s = none", "app.s", "none"},
    {"SET app.s = between", "app.s", "between"},
    {"SET local.x = 'l'", "local.x", "l"},
    {"SET session.x = 's'", "session.x", "s"},
    {"SET time.x = 't'", "time.x", "t"},
    {"SET role.x = 'r'", "role.x", "r"},
    {"SET names.x = 'r'", "names.x", "r"},
    {"SET schema.x = 'r'", "schema.x", "r"},
    {"SET xml.x = 'r'", "xml.x", "r"},
    {"SET transaction.x = 'r'", "transaction.x", "r"},
    {"SET constraints.x = 'r'", "constraints.x", "r"},
    {"SET SESSION characteristics.x = 'r'", "characteristics.x", "r"},
    {"SET SESSION local.x = 'r'", "local.x", "r"},
    {"SET TIME ZONE 'UTC'", "timezone", "UTC"},
    {"SET TIME ZONE PST8PDT", "timezone", "pst8pdt"},
    {"SET TIME ZONE \"Europe/Vienna\"", "timezone", "Europe/Vienna"},
    {"SET TIME ZONE -7", "timezone", "-7"},
    {"SET TIME ZONE 5.5", "timezone", "5.5"},
    {"SET timezone = 'Asia/Tokyo'", "timezone", "Asia/Tokyo"},
    {"SET timezone TO 3", "timezone", "3"},
    {"SET NAMES 'LATIN1'", "client_encoding", "LATIN1"},
    {"SET NAMES 'utf-8'", "client_encoding", "utf-8"},
    {"SET client_encoding TO latin9", "client_encoding", "latin9"},
    {"SET ROLE alice", "role", "alice"},
    {"SET ROLE \"Bob\"", "role", "Bob"},
    {"SET ROLE 'alice'", "role", "alice"},
    {"SET role = alice", "role", "alice"},
    {"SET role TO 'Bob'", "role", "Bob"},
    {"SET SESSION ROLE alice", "role", "alice"},
    {"SET ROLE NONE", "role", "none"},
    {"SET SESSION AUTHORIZATION alice", "session_authorization", "alice"},
    {"SET SESSION SESSION AUTHORIZATION 'Bob'", "session_authorization", "Bob"},
    {"SET session_authorization = alice", "session_authorization", "alice"},
    {"SET XML OPTION DOCUMENT", "xmloption", "document"},
    {"SET XML OPTION content", "xmloption", "content"},
    {"SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ", "default_transaction_isolation", "repeatable read"},
    {"SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ UNCOMMITTED", "default_transaction_isolation", "read uncommitted"},
    {"SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE", "default_transaction_isolation", "serializable"},
    {"SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", "default_transaction_read_only", "on"},
    {"SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE", "default_transaction_read_only", "off"},
    {"SET SESSION CHARACTERISTICS AS TRANSACTION NOT DEFERRABLE", "default_transaction_deferrable", "off"},
    {"SET SESSION CHARACTERISTICS AS TRANSACTION DEFERRABLE", "default_transaction_deferrable", "on"},
    {"SET DateStyle = 'ISO, DMY'", "datestyle", "ISO, DMY"},
    {"SET datestyle = SQL, DMY", "datestyle", "sql, dmy"},
    {"SET IntervalStyle TO postgres_verbose", "intervalstyle", "postgres_verbose"},
    {"SET temp_tablespaces = ''", "temp_tablespaces", "\"\""},
    {"SET log_min_messages TO Debug1", "log_min_messages", "debug1"},
    {"SET client_min_messages = 'WARNING'", "client_min_messages", "WARNING"},
    {"SET bytea_output = escape", "bytea_output", "escape"},
    {"SET default_transaction_isolation TO 'read committed'", "default_transaction_isolation", "read committed"},
    {"SET standard_conforming_strings TO off", "standard_conforming_strings", "off"},
    {"SET seed TO 0.5", "seed", "0.5"},
    {"SET app.s = 'x' ", "app.s", "x"},
    {"SET app.s=$$a'b$$", "app.s", "a'b"},
    {"SET app.s = E'multi''quote'", "app.s", "multi'quote"},
    {"SET session_preload_libraries = ''", "session_preload_libraries", "\"\""},
    {"SET debug_print_plan TO on", "debug_print_plan", "on"},
    {"SET DEFAULT_TEXT_SEARCH_CONFIG = 'pg_catalog.german'", "default_text_search_config", "pg_catalog.german"},
    // clang-format on
};

}  // namespace

TEST_CASE("SET with a plain value is known exactly") {
  for (const SetCase& c : confirmed) {
    INFO(c.sql);
    const auto set = parse_set(c.sql);
    REQUIRE(set);
    CHECK(set->action == SetAction::set);
    CHECK(set->scope == SetScope::session);
    CHECK(set->name == c.name);
    REQUIRE(set->value);
    CHECK(*set->value == c.value);
  }
}

TEST_CASE("a value that only the server knows is left undecided") {
  const SetCase cases[] = {
      {"SET app.s = U&'\\00e9'", "app.s", ""},
      {"SET app.s = E'\\u00e9'", "app.s", ""},
      {"SET app.s = E'\\303\\251'", "app.s", ""},
      {"SET app.s = E'\\v'", "app.s", ""},
      {"SET app.s = 'a' -- c\n'b'", "app.s", ""},
      {"SET app.s = \xc3\x84", "app.s", ""},
      {"SET app.n = 0x10", "app.n", ""},
      {"SET app.n = 1_000", "app.n", ""},
      {"SET search_path TO \"user\"", "search_path", ""},
      {"SET datestyle = iso", "datestyle", ""},
      {"SET DateStyle TO 'DMY'", "datestyle", ""},
      {"SET TIME ZONE INTERVAL '-08:00' HOUR TO MINUTE", "timezone", ""},
      {"SET TIME ZONE INTERVAL(3) '-08:00'", "timezone", ""},
      {"SET app.x FROM CURRENT", "app.x", ""},
      {"SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY, DEFERRABLE", "", ""},
  };
  for (const SetCase& c : cases) {
    INFO(c.sql);
    const auto set = parse_set(c.sql);
    REQUIRE(set);
    CHECK(set->action == SetAction::set);
    CHECK(set->name == c.name);
    CHECK_FALSE(set->value);
  }
}

TEST_CASE("scope and action of SET and RESET") {
  struct Case {
    const char* sql;
    SetScope scope;
    SetAction action;
    const char* name;
  };
  const Case cases[] = {
      {"SET LOCAL work_mem = 1", SetScope::local, SetAction::set, "work_mem"},
      {"set/**/local--\nwork_mem to 1", SetScope::local, SetAction::set, "work_mem"},
      {"SET LOCAL TIME ZONE 'UTC'", SetScope::local, SetAction::set, "timezone"},
      {"SET ROLE DEFAULT", SetScope::session, SetAction::set, "role"},
      {"SET SESSION SCHEMA DEFAULT", SetScope::session, SetAction::set, "search_path"},
      {"SET LOCAL ROLE alice", SetScope::local, SetAction::set, "role"},
      {"SET LOCAL SESSION AUTHORIZATION alice", SetScope::local, SetAction::set, "session_authorization"},
      {"SET LOCAL work_mem TO DEFAULT", SetScope::local, SetAction::set_default, "work_mem"},
      {"SET x TO DEFAULT", SetScope::session, SetAction::set_default, "x"},
      {"SET x = DEFAULT;", SetScope::session, SetAction::set_default, "x"},
      {"SET TIME ZONE LOCAL", SetScope::session, SetAction::set_default, "timezone"},
      {"SET TIME ZONE DEFAULT", SetScope::session, SetAction::set_default, "timezone"},
      {"SET NAMES", SetScope::session, SetAction::set_default, "client_encoding"},
      {"SET NAMES DEFAULT", SetScope::session, SetAction::set_default, "client_encoding"},
      {"SET SESSION AUTHORIZATION DEFAULT", SetScope::session, SetAction::set_default,
       "session_authorization"},
      {"RESET work_mem", SetScope::session, SetAction::reset, "work_mem"},
      {"reset \"App\".Tenant ;", SetScope::session, SetAction::reset, "app.tenant"},
      {"RESET TIME ZONE", SetScope::session, SetAction::reset, "timezone"},
      {"RESET ROLE", SetScope::session, SetAction::reset, "role"},
      {"RESET SESSION AUTHORIZATION", SetScope::session, SetAction::reset, "session_authorization"},
      {"RESET TRANSACTION ISOLATION LEVEL", SetScope::transaction, SetAction::reset, "transaction_isolation"},
      {"RESET ALL", SetScope::session, SetAction::reset_all, ""},
      {"SET TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY", SetScope::transaction, SetAction::set, ""},
      {"SET LOCAL TRANSACTION READ ONLY", SetScope::transaction, SetAction::set, ""},
      {"SET TRANSACTION SNAPSHOT '1-1'", SetScope::transaction, SetAction::set, ""},
      {"SET CONSTRAINTS ALL DEFERRED", SetScope::transaction, SetAction::set, ""},
      {"SET transaction_read_only = on", SetScope::transaction, SetAction::set, "transaction_read_only"},
  };
  for (const Case& c : cases) {
    INFO(c.sql);
    const auto set = parse_set(c.sql);
    REQUIRE(set);
    CHECK(set->scope == c.scope);
    CHECK(set->action == c.action);
    CHECK(set->name == c.name);
  }
}

TEST_CASE("what is not one understood SET is refused") {
  for (const char* sql :
       {"", "SELECT 1", "SET", "SET x", "SET = 1", "SET x = 1; SET y = 2", "SET x = 'a", "RESET",
        "RESET x; SELECT 1", "RESET x y", "\"SET\" x = 1", "SET U&\"\\00e9\" = 1",
        "SET x = DEFAULT; LISTEN a", "SET x = 1, 2; LISTEN a", "SET TRANSACTION READ ONLY; LISTEN a",
        "SET x = ; LISTEN a", "SET x = -; LISTEN a", "SET x FROM CURRENT; LISTEN a"}) {
    INFO(sql);
    CHECK_FALSE(parse_set(sql));
  }
}

TEST_CASE("a dollar quote that cannot be followed may hide a second statement") {
  const std::string tag = "$" + std::string(dollar_tag_max + 1, 't') + "$";
  CHECK_FALSE(parse_set("SET x = " + tag + "a" + tag));
  CHECK_FALSE(parse_set("SET x = 1, " + tag + "a" + tag));
}

TEST_CASE("backslashes are escapes when standard_conforming_strings is off") {
  const SqlDialect off{.standard_conforming_strings = false};
  CHECK(parse_set("SET app.s = 'a\\tb'", off)->value == "a\tb");
  CHECK(parse_set("SET app.s = 'a\\tb'")->value == "a\\tb");
  CHECK_FALSE(parse_set("SET app.s = 'a\\'", off));
}
