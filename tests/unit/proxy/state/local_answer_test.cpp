#include "proxy/state/local_answer.hpp"

#include <catch2/catch.hpp>
#include <initializer_list>
#include <string>

using pgweir::answer_locally;
using pgweir::as_text;
using pgweir::ByteBuffer;
using pgweir::LocalAnswer;
using pgweir::ParameterMap;
using pgweir::SessionFacts;
using pgweir::SettingMap;

namespace {

// A session, and the maps that its facts point to.
struct Client {
  SettingMap startup;
  SettingMap desired;
  ParameterMap view = {{"DateStyle", "ISO, MDY"},
                       {"IntervalStyle", "postgres"},
                       {"TimeZone", "UTC"},
                       {"application_name", ""},
                       {"client_encoding", "UTF8"},
                       {"default_transaction_read_only", "off"},
                       {"in_hot_standby", "off"},
                       {"integer_datetimes", "on"},
                       {"is_superuser", "off"},
                       {"server_encoding", "UTF8"},
                       {"server_version", "17.2"},
                       {"session_authorization", "app"},
                       {"standard_conforming_strings", "on"}};
  SessionFacts facts = {&startup, &desired, &view};

  Client() = default;
  Client(const Client&) = delete;

  std::optional<LocalAnswer> ask(std::string_view text) const { return answer_locally(text, facts); }
  bool answers(std::string_view text) const { return ask(text).has_value(); }
};

std::string message(char type, std::string_view body) {
  const auto size = static_cast<std::uint32_t>(body.size() + 4);
  std::string out(1, type);
  for (const int shift : {24, 16, 8, 0}) out.push_back(static_cast<char>(size >> shift & 0xff));
  return out += body;
}
std::string tag(std::string_view text) {
  return message('C', std::string(text) + '\0');
}
std::string bytes(const char* literal, std::size_t size) {
  return {literal, size};
}
#define BYTES(literal) bytes(literal, sizeof(literal) - 1)

// Recorded from PostgreSQL 15 and 18.
const std::string unlock_all =
    message('T', BYTES("\0\x01pg_advisory_unlock_all\0\0\0\0\0\0\0\0\0\x08\xe6\0\x04\xff\xff\xff\xff\0\0")) +
    message('D', BYTES("\0\x01\0\0\0\0")) + tag("SELECT 1");
const std::string time_zone_description =
    message('T', BYTES("\0\x01TimeZone\0\0\0\0\0\0\0\0\0\0\x19\xff\xff\xff\xff\xff\xff\0\0"));

std::string replies(const Client& client, std::string_view text) {
  const std::optional<LocalAnswer> answer = client.ask(text);
  if (!answer) return "the server has to answer";
  return std::string(as_text(answer->replies));
}

const char* const asyncpg_reset = "SELECT pg_advisory_unlock_all();\nCLOSE ALL;\nUNLISTEN *;\nRESET ALL;";
const char* const npgsql_reset =
    "SET SESSION AUTHORIZATION DEFAULT;RESET ALL;CLOSE ALL;UNLISTEN *;SELECT pg_advisory_unlock_all();"
    "DISCARD SEQUENCES;DISCARD TEMP";

}  // namespace

TEST_CASE("each statement that changes nothing gets the server's tag", "[local_answer]") {
  const Client client;
  const auto [text, expected] = GENERATE(table<const char*, const char*>({
      {"DISCARD ALL", "DISCARD ALL"},
      {"discard all;", "DISCARD ALL"},
      {" ; DISCARD /**/", nullptr},
      {";; DISCARD ALL ;; -- done", "DISCARD ALL"},
      {"DISCARD PLANS", "DISCARD PLANS"},
      {"DISCARD SEQUENCES", "DISCARD SEQUENCES"},
      {"DISCARD TEMP", "DISCARD TEMP"},
      {"DISCARD TEMPORARY", "DISCARD TEMP"},
      {"RESET ALL", "RESET"},
      {"RESET work_mem", "RESET"},
      {"reset \"work_mem\"", "RESET"},
      {"RESET TIME ZONE", "RESET"},
      {"RESET ROLE", "RESET"},
      {"RESET SESSION AUTHORIZATION", "RESET"},
      {"SET SESSION AUTHORIZATION DEFAULT", "SET"},
      {"SET ROLE TO DEFAULT", "SET"},
      {"SET work_mem TO DEFAULT", "SET"},
      {"SET SESSION search_path = default", "SET"},
      {"SET TIME ZONE LOCAL", "SET"},
      {"UNLISTEN *", "UNLISTEN"},
      {"UNLISTEN \"a channel\"", "UNLISTEN"},
      {"CLOSE ALL", "CLOSE CURSOR ALL"},
      {"DEALLOCATE ALL", "DEALLOCATE ALL"},
      {"DEALLOCATE PREPARE ALL", "DEALLOCATE ALL"},
      {"\n\tReset -- all but the kitchen sink\n all", "RESET"},
  }));
  CAPTURE(text);
  CHECK(replies(client, text) == (expected == nullptr ? "the server has to answer" : tag(expected)));
}

TEST_CASE("unlocking all advisory locks has a row", "[local_answer]") {
  const Client client;
  for (const char* text : {"SELECT pg_advisory_unlock_all()", "select pg_advisory_unlock_all ( ) ;",
                           "SELECT pg_catalog.pg_advisory_unlock_all()"}) {
    CAPTURE(text);
    CHECK(replies(client, text) == unlock_all);
  }
}

TEST_CASE("the reset batches of asyncpg and Npgsql are answered whole", "[local_answer]") {
  const Client client;
  CHECK(replies(client, asyncpg_reset) ==
        unlock_all + tag("CLOSE CURSOR ALL") + tag("UNLISTEN") + tag("RESET"));
  CHECK(replies(client, npgsql_reset) == tag("SET") + tag("RESET") + tag("CLOSE CURSOR ALL") +
                                             tag("UNLISTEN") + unlock_all + tag("DISCARD SEQUENCES") +
                                             tag("DISCARD TEMP"));
}

TEST_CASE("an empty query asks whether the server lives", "[local_answer]") {
  const Client client;
  for (const char* text : {"", ";", " \n", ";;", "-- ping"}) {
    CAPTURE(text);
    CHECK_FALSE(client.answers(text));
  }
}

TEST_CASE("what the session has decides", "[local_answer]") {
  Client client;
  SECTION("named statements") {
    client.facts.has_named_statements = true;
    for (const char* text : {"DEALLOCATE ALL", "DISCARD ALL", "DISCARD PLANS"})
      CHECK_FALSE(client.answers(text));
    CHECK(client.answers(npgsql_reset));
  }
  SECTION("a channel") {
    client.facts.listens = true;
    for (const char* text : {"UNLISTEN *", "UNLISTEN \"x\"", "DISCARD ALL", asyncpg_reset})
      CHECK_FALSE(client.answers(text));
    CHECK(client.answers("RESET ALL"));
  }
  SECTION("a sequence's last value") {
    client.facts.has_sequence_values = true;
    for (const char* text : {"DISCARD SEQUENCES", "DISCARD ALL", npgsql_reset})
      CHECK_FALSE(client.answers(text));
    CHECK(client.answers(asyncpg_reset));
  }
  SECTION("a role") {
    const char* const name = GENERATE("role", "session_authorization");
    client.desired = {{name, "team"}};
    for (const char* text : {"RESET ROLE", "RESET SESSION AUTHORIZATION", "SET SESSION AUTHORIZATION DEFAULT",
                             "SET ROLE TO DEFAULT", "DISCARD ALL"}) {
      CAPTURE(text);
      CHECK_FALSE(client.answers(text));
    }
    CHECK(client.answers("RESET ALL"));  // which touches neither
    client.startup = client.desired;
    CHECK_FALSE(client.answers("RESET ROLE"));
  }
}

TEST_CASE("a reported setting that differs from the startup's goes to the server to be reset",
          "[local_answer]") {
  Client client;
  client.startup = {{"timezone", "Asia/Tokyo"}};
  client.view["TimeZone"] = "Asia/Tokyo";
  SECTION("the startup's own value is its default") {
    client.desired = client.startup;
    CHECK(client.answers("RESET ALL"));
    CHECK_FALSE(client.ask("RESET ALL")->desired);
    CHECK(client.answers("SET timezone TO DEFAULT"));
  }
  SECTION("it was changed") {
    client.desired = {{"timezone", "Europe/Rome"}};
    client.view["TimeZone"] = "Europe/Rome";
    for (const char* text : {"RESET ALL", "RESET timezone", "SET TIME ZONE DEFAULT", "DISCARD ALL"})
      CHECK_FALSE(client.answers(text));
    CHECK(client.answers("RESET work_mem"));
  }
}

TEST_CASE("a setting that nobody is told of is reset without the server", "[local_answer]") {
  Client client;
  client.startup = {{"statement_timeout", "7s"}};
  client.desired = {{"statement_timeout", "1s"}, {"work_mem", "3MB"}, {"role", "team"}};
  const auto after = [&client](const char* text) {
    const std::optional<LocalAnswer> answer = client.ask(text);
    REQUIRE(answer);
    return answer->desired.value_or(SettingMap{{"unchanged", ""}});
  };
  CHECK(after("RESET work_mem") == SettingMap{{"statement_timeout", "1s"}, {"role", "team"}});
  CHECK(after("SET statement_timeout TO DEFAULT") ==
        SettingMap{{"statement_timeout", "7s"}, {"work_mem", "3MB"}, {"role", "team"}});
  CHECK(after("RESET ALL") == SettingMap{{"statement_timeout", "7s"}, {"role", "team"}});
  CHECK(after("RESET geqo") == SettingMap{{"unchanged", ""}});

  client.desired = {{"statement_timeout", "1s"}, {"app.tenant", "7"}};
  CHECK_FALSE(client.answers("RESET ALL"));  // it leaves an empty app.tenant
  client.desired = {{"statement_timeout", "1s"}, {"log_statement", "all"}};
  CHECK_FALSE(client.answers("RESET ALL"));  // not everybody may
}

TEST_CASE("SET to the value that the session has is answered", "[local_answer]") {
  Client client;
  client.desired = {{"work_mem", "3MB"},
                    {"search_path", "\"My Schema\", public"},
                    {"application_name", "x y"},
                    {"extra_float_digits", "3"},
                    {"timezone", "Europe/Rome"},
                    {"default_transaction_isolation", "serializable"},
                    {"client_min_messages", "warning"}};
  client.view["TimeZone"] = "Europe/Rome";
  const char* const text = GENERATE(
      "SET work_mem TO '3MB'", "set session work_mem = '3MB'", "SET search_path = \"My Schema\", public",
      "SET application_name = 'x y'", "SET application_name TO \"x y\"", "SET extra_float_digits = 3",
      "SET TIME ZONE 'Europe/Rome'", "SET SESSION TIME ZONE 'europe/rome'", "SET timezone TO 'EUROPE/ROME'",
      "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE",
      "SET client_min_messages TO 'warning'", "SET client_min_messages TO warning");
  CAPTURE(text);
  CHECK(replies(client, text) == tag("SET"));
  CHECK_FALSE(client.ask(text)->desired);
}

TEST_CASE("SET to the default's value makes it the session's own", "[local_answer]") {
  const Client client;
  const auto [text, name, value] = GENERATE(table<const char*, const char*, const char*>({
      {"SET standard_conforming_strings = on", "standard_conforming_strings", "on"},
      {"SET standard_conforming_strings = ON", "standard_conforming_strings", "on"},
      {"SET SESSION timezone TO 'UTC'", "timezone", "UTC"},
      {"set time zone 'utc'", "timezone", "utc"},
      {"SET client_encoding TO 'UTF8'", "client_encoding", "UTF8"},
      {"set names 'utf-8'", "client_encoding", "utf-8"},
      {"SET NAMES 'utf8'", "client_encoding", "utf8"},
      {"SET DateStyle = ISO, MDY", "datestyle", "iso, mdy"},
      {"SET datestyle TO 'ISO, MDY'", "datestyle", "ISO, MDY"},
      {"SET intervalstyle = postgres", "intervalstyle", "postgres"},
      {"SET application_name = ''", "application_name", ""},
      {"SET default_transaction_read_only TO off", "default_transaction_read_only", "off"},
      {"SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE", "default_transaction_read_only", "off"},
  }));
  CAPTURE(text);
  CHECK(replies(client, text) == tag("SET"));
  REQUIRE(client.ask(text)->desired);
  CHECK(*client.ask(text)->desired == SettingMap{{name, value}});
}

TEST_CASE("SET to another value is the server's", "[local_answer]") {
  Client client;
  client.desired = {{"work_mem", "3MB"}, {"application_name", "a, b"}, {"search_path", "a, b"},
                    {"app.tenant", "7"}, {"log_statement", "all"},     {"role", "team"},
                    {"seed", "0.5"},     {"client_encoding", "utf8"}};
  const char* const text = GENERATE(
      "SET work_mem TO '3mb'", "SET work_mem TO '3072kB'", "SET geqo = on", "SET timezone TO 'Etc/UTC'",
      "SET datestyle TO 'ISO'", "SET app.tenant = '7'", "SET log_statement = 'all'", "SET role team",
      "SET ROLE NONE", "SET SESSION AUTHORIZATION team", "SET seed = 0.5", "SET LOCAL work_mem = '3MB'",
      "SET TRANSACTION READ ONLY", "SET search_path = 'a, b'", "SET TIME ZONE INTERVAL '0' HOUR TO MINUTE",
      "SET search_path FROM CURRENT", "SET NAMES", "SET nonsense = 1",
      "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY");
  CAPTURE(text);
  CHECK_FALSE(client.answers(text));
}

TEST_CASE("what PostgreSQL would refuse or comment on is not answered", "[local_answer]") {
  Client client;
  client.desired = {{"work_mem", "1"}, {"application_name", "a, b"}, {"search_path", "select"}};
  client.view["application_name"] = "a, b";
  const char* const text = GENERATE(
      "SET application_name = a, b", "SET application_name = 'a, b' 'c'", "SET SESSION SESSION work_mem = 1",
      "SET work_mem = 1 2", "SET search_path = select", "SET NAMES utf8", "SET TIME ZONE utc utc",
      "SET TIME ZONE = 'UTC'", "SET work_mem 1", "SET timezone TO utc'", "SET", "RESET", "RESET work_mem = 1",
      "RESET nonsense", "RESET server_version", "RESET foo.bar", "RESET ALL ALL", "RESET ALL /*",
      "RESET ALL $$", "DISCARD", "DISCARD x", "DISCARD ALL ALL", "CLOSE", "CLOSE x", "DEALLOCATE x",
      "UNLISTEN", "UNLISTEN user", "UNLISTEN \"\"", "UNLISTEN * *",
      "UNLISTEN \"a name of sixty-four bytes, which PostgreSQL cuts with a notice......\"",
      "SELECT pg_advisory_unlock_all", "SELECT pg_advisory_unlock_all(1)",
      "SELECT pg_advisory_unlock_all() AS x", "SELECT pg_advisory_unlock_all(), 1",
      "SELECT pg_advisory_unlock_all() FROM x", "SELECT pg_advisory_unlock(1)", "SHOW", "SHOW ALL",
      "SHOW work_mem", "RESET ALL \x80");
  CAPTURE(text);
  CHECK_FALSE(client.answers(text));
}

TEST_CASE("SELECT 1 and everything else that asks something is never answered", "[local_answer]") {
  const Client client;
  const char* const text =
      GENERATE("SELECT 1", "select 1;", "SELECT", "SELECT pg_backend_pid()", "SELECT pg_catalog.version()",
               "SELECT 'pg_'", "SELECT abalance FROM pgbench_accounts WHERE aid = 1", "BEGIN", "COMMIT",
               "ROLLBACK", "LISTEN x", "DISCARDALL", "RESETALL", "SETTLE", "COPY x FROM stdin",
               "CREATE TABLE x()", "DELETE FROM x", "DROP TABLE x", "UPDATE x SET y = 1",
               "REVOKE ALL ON x FROM y", "; SELECT 1", "-- ping\nSELECT 1", "$", "\"", "'", "-");
  CAPTURE(text);
  CHECK_FALSE(client.answers(text));
}

TEST_CASE("all statements of a string are answered, or none", "[local_answer]") {
  Client client;
  client.desired = {{"work_mem", "3MB"}, {"timezone", "UTC"}};
  CHECK(replies(client, "RESET ROLE; CLOSE ALL; CLOSE ALL") ==
        tag("RESET") + tag("CLOSE CURSOR ALL") + tag("CLOSE CURSOR ALL"));
  for (const char* text : {"RESET ROLE; SELECT 1", "SELECT 1; RESET ROLE", "CLOSE ALL; RESET timezone"}) {
    CAPTURE(text);
    CHECK_FALSE(client.answers(text));
  }
  // DISCARD ALL cannot run in the transaction that a string of several statements is.
  CHECK_FALSE(client.answers("DISCARD ALL; DISCARD ALL"));
  CHECK_FALSE(client.answers("CLOSE ALL; DISCARD ALL"));
}

TEST_CASE("a statement sees what those before it have done", "[local_answer]") {
  Client client;
  client.desired = {{"work_mem", "3MB"}};
  // SET to a value that the session no longer has.
  CHECK_FALSE(client.answers("RESET work_mem; SET work_mem = '3MB'"));
  // A default that became the session's own, and is given up again.
  CHECK_FALSE(client.answers("SET timezone = 'UTC'; RESET timezone"));
  const std::optional<LocalAnswer> answer =
      client.ask("SET timezone = 'UTC'; SHOW timezone; RESET work_mem; SET timezone = 'utc'");
  REQUIRE(answer);
  CHECK(*answer->desired == SettingMap{{"timezone", "UTC"}});
}

TEST_CASE("SHOW is answered for a reported setting that no default can change", "[local_answer]") {
  Client client;
  CHECK_FALSE(client.answers("SHOW timezone"));
  client.desired = {{"timezone", "europe/rome"}, {"work_mem", "3MB"}};
  client.view["TimeZone"] = "Europe/Rome";
  const std::string expected = time_zone_description +
                               message('D', BYTES("\0\x01\0\0\0\x0b"
                                                  "Europe/Rome")) +
                               tag("SHOW");
  for (const char* text : {"SHOW timezone", "show TimeZone;", "SHOW \"TimeZone\"", "SHOW TIME ZONE"}) {
    CAPTURE(text);
    CHECK(replies(client, text) == expected);
  }
  CHECK(client.answers("SHOW integer_datetimes"));
  CHECK(client.answers("SHOW server_encoding"));
  for (const char* text : {"SHOW work_mem", "SHOW in_hot_standby", "SHOW server_version", "SHOW is_superuser",
                           "SHOW application_name", "SHOW SESSION AUTHORIZATION"}) {
    CAPTURE(text);
    CHECK_FALSE(client.answers(text));
  }
}

TEST_CASE("pg_advisory_unlock_all may be another schema's", "[local_answer]") {
  Client client;
  client.desired = {{"search_path", "mine, \"pg_catalog\""}};
  CHECK_FALSE(client.answers("SELECT pg_advisory_unlock_all()"));
  CHECK(client.answers("SELECT pg_catalog.pg_advisory_unlock_all()"));
  client.desired.clear();
  client.view["search_path"] = "mine, pg_catalog";
  CHECK_FALSE(client.answers("SELECT pg_advisory_unlock_all()"));
}

TEST_CASE("a client that asked for debug messages hears the server's", "[local_answer]") {
  Client client;
  for (const char* level : {"debug1", "DEBUG5", "log", "info"}) {
    client.desired = {{"client_min_messages", level}};
    for (const char* text : {"", "CLOSE ALL", "RESET client_min_messages"}) CHECK_FALSE(client.answers(text));
  }
  client.desired = {{"client_min_messages", "WARNING"}};
  CHECK(client.answers("CLOSE ALL"));
}

TEST_CASE("texts are read as the session's settings say", "[local_answer]") {
  Client client;
  client.desired = {{"application_name", "a\\"}};
  CHECK(client.answers("SET application_name = 'a\\'"));
  client.view["standard_conforming_strings"] = "off";
  CHECK_FALSE(client.answers("SET application_name = 'a\\\\'"));
  CHECK(client.answers("RESET ROLE"));
}

TEST_CASE("a long text is not even read", "[local_answer]") {
  const Client client;
  CHECK(client.answers("RESET ALL" + std::string(1000, ' ')));
  CHECK_FALSE(client.answers("RESET ALL" + std::string(2000, ' ')));
}
