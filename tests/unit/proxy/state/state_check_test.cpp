#include "proxy/state/state_check.hpp"

#include <catch2/catch.hpp>

using namespace pgweir;

TEST_CASE("only what is in question is asked for") {
  StateQuestion question;
  CHECK(question.empty());
  CHECK(state_query(question).empty());
  question.pins = {Pin::advisory_lock};
  CHECK(state_query(question).find("pg_locks") != std::string::npos);
  CHECK(state_query(question).find("pg_settings") == std::string::npos);
  question.settings = true;
  question.names = {"app.tenant"};
  CHECK(state_query(question).find("'app.tenant'") != std::string::npos);
}

TEST_CASE("custom settings are asked for by quoted names") {
  StateQuestion question;
  question.settings = true;
  const std::string plain = state_query(question);
  CHECK(plain.find("SELECT name,setting FROM pg_catalog.pg_settings") != std::string::npos);
  CHECK(plain.find("current_setting('role')") != std::string::npos);
  question.names = {"a.b", "a.it's"};
  CHECK(state_query(question).find(
            " UNION ALL SELECT 'a.b',pg_catalog.current_setting('a.b',true)"
            " UNION ALL SELECT 'a.it''s',pg_catalog.current_setting('a.it''s',true)") != std::string::npos);
}

TEST_CASE("many names are asked for in one list") {
  StateQuestion question;
  question.settings = true;
  for (int i = 0; i < 1'000; ++i) question.names.push_back("a.b" + std::to_string(i));
  const std::string query = state_query(question);
  CHECK(query.find("unnest(ARRAY['a.b0','a.b1',") != std::string::npos);
  CHECK(query.find("SELECT 'a.b0'") == std::string::npos);
}

TEST_CASE("a lifted timeout is asked for before it is lifted, and is not among the others") {
  StateQuestion question;
  question.pins = {Pin::advisory_lock};
  question.lifted = {"statement_timeout"};
  CHECK(state_query(question).starts_with("SET LOCAL statement_timeout TO 0;SELECT "));
  question.settings = true;
  CHECK(state_query(question).starts_with(
      "SELECT 'statement_timeout',pg_catalog.current_setting('statement_timeout');"
      "SET LOCAL statement_timeout TO 0;SELECT "));
  CHECK(state_query(question).find("'seed','statement_timeout'])") != std::string::npos);
}

TEST_CASE("what is not ASCII comes in hexadecimal") {
  StateAnswer answer;
  take_state_row(" 6d792ec3a4", "c3a9", {"app"}, answer);
  CHECK(answer.settings == SettingMap{{"my.\xc3\xa4", "\xc3\xa9"}});
}

TEST_CASE("a fresh login's role is no setting, another one is") {
  StateAnswer answer;
  take_state_row("role", "other", {"app"}, answer);
  take_state_row("session_authorization", "boss", {"app"}, answer);
  CHECK(answer.settings == SettingMap{{"role", "other"}, {"session_authorization", "boss"}});
}

TEST_CASE("rows become settings and pins, without what a fresh login has") {
  StateAnswer answer;
  take_state_row("work_mem", "4096", {"app"}, answer);
  take_state_row("role", "none", {"app"}, answer);
  take_state_row("session_authorization", "app", {"app"}, answer);
  take_state_row("TimeZone", "UTC", {"app"}, answer);
  take_state_row("", "temporary_object", {"app"}, answer);
  CHECK(answer.settings == SettingMap{{"timezone", "UTC"}, {"work_mem", "4096"}});
  CHECK(answer.pins == PinSet{Pin::temporary_object});
}

TEST_CASE("an audit compares names, and values where they have one spelling") {
  const LoginState app{"app"};
  CHECK(differing_settings({{"work_mem", "4MB"}}, {{"work_mem", "4096"}}, app).empty());
  CHECK(differing_settings({{"a.b", "1"}}, {{"a.b", "2"}}, app) == std::vector<std::string>{"a.b"});
  CHECK(differing_settings({}, {{"work_mem", "4096"}}, app) == std::vector<std::string>{"work_mem"});
  CHECK(differing_settings({{"geqo", "off"}}, {}, app) == std::vector<std::string>{"geqo"});
  CHECK(differing_settings({}, {{"a.b", ""}}, app).empty());
  CHECK(differing_settings({{"role", "none"}}, {}, app).empty());
}

TEST_CASE("an audit takes what is not told for what the login gave") {
  const LoginState owner{"app", "owner"};
  CHECK(differing_settings({{"session_authorization", "app"}, {"role", "owner"}}, {}, owner).empty());
  CHECK(differing_settings({{"role", "none"}}, {{"role", "none"}}, owner).empty());
  CHECK(differing_settings({{"role", "none"}}, {}, owner) == std::vector<std::string>{"role"});
  CHECK(differing_settings({{"session_authorization", "boss"}}, {}, owner) ==
        std::vector<std::string>{"session_authorization"});
}
