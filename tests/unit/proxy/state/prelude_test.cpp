#include "proxy/state/prelude.hpp"

#include <catch2/catch.hpp>

#include "protocol/sql_tokenizer.hpp"
#include "proxy/state/sql_quote.hpp"

using namespace pgweir;

TEST_CASE("a value that is not ASCII is no result of the prelude") {
  CHECK(make_prelude({}, {{"a.b", "\xc3\xa9"}}).sql ==
        "SELECT "
        "pg_catalog.set_config('a.b',pg_catalog.convert_from(pg_catalog.decode('c3a9','hex'),'UTF8'),false)"
        " IS NULL;");
}

TEST_CASE("more settings than a SELECT has results are set by several") {
  SettingMap many;
  for (int i = 0; i < 2'001; ++i) many.emplace("a.b" + std::to_string(i), "x");
  const std::string sql = make_prelude({}, many).sql;
  std::size_t statements = 0;
  for (std::size_t at = sql.find("SELECT "); at != std::string::npos; at = sql.find("SELECT ", at + 1))
    ++statements;
  CHECK(statements == 3);
  CHECK(sql.find(",;") == std::string::npos);
  CHECK(sql.find(";,") == std::string::npos);
}

TEST_CASE("a short timeout of the last client's is lifted while the settings change") {
  const Prelude prelude = make_prelude({{"statement_timeout", "5ms"}}, {{"geqo", "off"}});
  CHECK(prelude.sql.starts_with("SET LOCAL statement_timeout TO 0;RESET \"statement_timeout\";"));
  CHECK(prelude.must_wait);
  CHECK(make_prelude({{"statement_timeout", "5ms"}}, {{"statement_timeout", "5ms"}}).sql.empty());
}

TEST_CASE("names of settings are folded as PostgreSQL does, ASCII letters only") {
  CHECK(ascii_lower("TimeZone") == "timezone");
  CHECK(ascii_lower("my.\xc3\x84rger") == "my.\xc3\x84rger");
}

TEST_CASE("a backend that has what the session wants needs no prelude") {
  const SettingMap map = {{"work_mem", "3MB"}, {"role", "app"}};
  const Prelude prelude = make_prelude(map, map);
  CHECK(prelude.sql.empty());
  CHECK_FALSE(prelude.must_wait);
  CHECK(make_prelude({}, {}).sql.empty());
}

TEST_CASE("a prelude sets what differs, resets what is left over and repeats nothing") {
  const Prelude prelude = make_prelude({{"lock_timeout", "5"}, {"same", "1"}, {"work_mem", "3MB"}},
                                       {{"same", "1"}, {"work_mem", "4MB"}, {"x.y", "it's"}});
  CHECK(prelude.sql ==
        "RESET \"lock_timeout\";"
        "SELECT pg_catalog.set_config('work_mem','4MB',false),pg_catalog.set_config('x.y','it''s',false);");
  CHECK_FALSE(prelude.must_wait);
}

TEST_CASE("a DateStyle that names one half only does not keep the other of the last client") {
  CHECK(make_prelude({{"datestyle", "SQL, DMY"}}, {{"datestyle", "ISO"}}).sql ==
        "RESET \"datestyle\";SELECT pg_catalog.set_config('datestyle','ISO',false);");
  CHECK(make_prelude({{"datestyle", "ISO"}}, {{"datestyle", "ISO"}}).sql.empty());
}

TEST_CASE("a prelude goes back to the login role, changes settings, and takes the other role last") {
  const Prelude prelude =
      make_prelude({{"role", "old"}, {"session_authorization", "bob"}, {"work_mem", "1MB"}},
                   {{"client_encoding", "LATIN1"},
                    {"role", "new"},
                    {"search_path", "a"},
                    {"session_authorization", "eve"}});
  CHECK(prelude.sql ==
        "RESET ROLE;RESET SESSION AUTHORIZATION;"
        "SELECT pg_catalog.set_config('client_encoding','LATIN1',false);"
        "RESET \"work_mem\";"
        "SELECT pg_catalog.set_config('search_path','a',false);"
        "SELECT pg_catalog.set_config('session_authorization','eve',false),"
        "pg_catalog.set_config('role','new',false);");
  CHECK(prelude.must_wait);
}

TEST_CASE("a role that is only left needs nothing to wait for") {
  const Prelude prelude = make_prelude({{"role", "old"}}, {});
  CHECK(prelude.sql == "RESET ROLE;");
  CHECK_FALSE(prelude.must_wait);
}

TEST_CASE("changing the session authorization sets the role again, because it resets the role") {
  const Prelude prelude = make_prelude({{"role", "r"}, {"session_authorization", "bob"}},
                                       {{"role", "r"}, {"session_authorization", "eve"}});
  CHECK(prelude.sql ==
        "RESET ROLE;RESET SESSION AUTHORIZATION;"
        "SELECT pg_catalog.set_config('session_authorization','eve',false),"
        "pg_catalog.set_config('role','r',false);");
}

TEST_CASE("a setting that only the login role may change is changed under it, also when the role stays") {
  const Prelude prelude = make_prelude({{"role", "r"}}, {{"log_statement", "all"}, {"role", "r"}});
  CHECK(prelude.sql ==
        "RESET ROLE;SELECT pg_catalog.set_config('log_statement','all',false);"
        "SELECT pg_catalog.set_config('role','r',false);");
  CHECK(prelude.must_wait);
}

TEST_CASE("a prelude that can fail has to be waited for") {
  const char* const name =
      GENERATE("role", "session_authorization", "default_tablespace", "temp_tablespaces",
               "default_text_search_config", "default_table_access_method", "temp_buffers", "log_statement");
  INFO(name);
  CHECK(make_prelude({}, {{name, "x"}}).must_wait);
}

TEST_CASE(
    "what only some role may set is taken back by RESET ALL, which everybody may, and all else set again") {
  const Prelude prelude = make_prelude({{"log_statement", "all"}, {"role", "r"}, {"work_mem", "3MB"}},
                                       {{"client_encoding", "LATIN1"}, {"role", "r"}, {"work_mem", "3MB"}});
  CHECK(
      prelude.sql ==
      "RESET ROLE;RESET ALL;SELECT pg_catalog.set_config('client_encoding','LATIN1',false);"
      "SELECT pg_catalog.set_config('work_mem','3MB',false);SELECT pg_catalog.set_config('role','r',false);");
  const Prelude back = make_prelude({{"temp_buffers", "16MB"}, {"app.tenant", "x"}}, {});
  CHECK(back.sql == "RESET ALL;");
  CHECK_FALSE(back.must_wait);
}

TEST_CASE("settings can be changed by another role than the login role") {
  const SettingMap as = {{"role", "r"}, {"work_mem", "1MB"}};
  const Prelude prelude = make_prelude({{"role", "old"}}, {{"log_statement", "all"}}, as);
  CHECK(prelude.sql ==
        "RESET ROLE;SELECT pg_catalog.set_config('role','r',false);"
        "SELECT pg_catalog.set_config('log_statement','all',false);RESET ROLE;");
  CHECK(prelude.must_wait);
  const Prelude same = make_prelude({}, {{"log_statement", "all"}, {"role", "r"}}, as);
  CHECK(same.sql ==
        "SELECT pg_catalog.set_config('role','r',false);"
        "SELECT pg_catalog.set_config('log_statement','all',false);RESET ROLE;"
        "SELECT pg_catalog.set_config('role','r',false);");
  CHECK(make_prelude(as, as, as).sql.empty());
}

TEST_CASE("what anyone may set at any time is not waited for") {
  const char* const name = GENERATE("application_name", "jit", "enable_seqscan", "search_path", "timezone",
                                    "statement_timeout", "work_mem", "transform_null_equals", "app.tenant");
  INFO(name);
  CHECK_FALSE(make_prelude({}, {{name, "x"}}).must_wait);
  CHECK_FALSE(make_prelude({{name, "10s"}}, {}).must_wait);
}

TEST_CASE("a timeout that may end a prelude has to be waited for") {
  const char* const value = GENERATE("1", "999", "5ms", "500us", "0.5s", " 7 ms");
  INFO(value);
  CHECK(make_prelude({{"statement_timeout", value}}, {}).must_wait);
  CHECK(make_prelude({{"statement_timeout", value}}, {{"statement_timeout", value}, {"a.b", "c"}}).must_wait);
}

TEST_CASE("one that is off or long does not") {
  const char* const value = GENERATE("0", "0ms", "1000", "30s", "5min");
  INFO(value);
  CHECK_FALSE(make_prelude({{"statement_timeout", value}}, {}).must_wait);
}

TEST_CASE("a custom setting with a name of more than 63 bytes is really reset") {
  const std::string name = "app." + std::string(70, 'x');
  CHECK(make_prelude({{name, "1"}}, {}).sql == "SELECT pg_catalog.set_config('" + name + "',NULL,false);");
}

TEST_CASE("no name and no value of a setting gets out of its quotes") {
  const std::string evil = "x'; DROP TABLE t; --\\'\"";
  const std::string sql = make_prelude({{"a." + evil, "2"}}, {{"b." + evil, evil}}).sql;
  CHECK(sql ==
        "SELECT pg_catalog.set_config(E'a.x''; DROP TABLE t; --\\\\''\"',NULL,false);"
        "SELECT pg_catalog.set_config(E'b.x''; DROP TABLE t; --\\\\''\"',E'x''; DROP TABLE t; "
        "--\\\\''\"',false);");
}
