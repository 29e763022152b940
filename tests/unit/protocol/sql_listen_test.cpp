#include "protocol/sql_listen.hpp"

#include <catch2/catch.hpp>

using namespace pgweir;

TEST_CASE("LISTEN and UNLISTEN are read with the channel as the server keeps it") {
  struct Case {
    std::string sql;
    ListenVerb verb;
    std::string name;
    bool cut;
  };
  const std::string long_name(70, 'X');
  const std::string cut(63, 'x');
  const std::string cut_quoted(63, 'X');
  const std::string quotes = "\"" + std::string(62, 'q') + "\"\"\"";
  const Case cases[] = {
      {"LISTEN jobs", ListenVerb::listen, "jobs", false},
      {"listen Jobs;", ListenVerb::listen, "jobs", false},
      {" /* a */ LISTEN--\n jobs ; ;", ListenVerb::listen, "jobs", false},
      {"LISTEN \"Jobs\"", ListenVerb::listen, "Jobs", false},
      {"LISTEN \"a\"\"b;\"", ListenVerb::listen, "a\"b;", false},
      {"LISTEN \"\xc3\xa4\"", ListenVerb::listen, "\xc3\xa4", false},
      {"LISTEN \"select\"", ListenVerb::listen, "select", false},
      {"LISTEN listen", ListenVerb::listen, "listen", false},
      {"LISTEN int", ListenVerb::listen, "int", false},
      {"LISTEN " + long_name, ListenVerb::listen, cut, true},
      {"LISTEN \"" + long_name + "\"", ListenVerb::listen, cut_quoted, true},
      {"LISTEN " + cut, ListenVerb::listen, cut, false},
      {"LISTEN " + quotes, ListenVerb::listen, std::string(62, 'q') + "\"", false},
      {"UNLISTEN jobs", ListenVerb::unlisten, "jobs", false},
      {"UNLISTEN \"*\"", ListenVerb::unlisten, "*", false},
      {"UNLISTEN *;", ListenVerb::unlisten_all, "", false},
      {"unlisten*", ListenVerb::unlisten_all, "", false},
  };
  for (const Case& c : cases) {
    INFO(c.sql);
    const auto step = parse_listen(c.sql);
    REQUIRE(step);
    CHECK(step->verb == c.verb);
    CHECK(step->name == c.name);
    CHECK(step->name_cut == c.cut);
    CHECK(listen_steps(c.sql) == std::vector<ListenStep>{*step});
  }
}

TEST_CASE("what is not one LISTEN or UNLISTEN that the server accepts is left to the server") {
  for (const char* sql : {"",
                          "LISTEN",
                          "LISTEN *",
                          "LISTEN a b",
                          "LISTEN a.b",
                          "LISTEN a, b",
                          "LISTEN 'a'",
                          "LISTEN $1",
                          "LISTEN \"\"",
                          "LISTEN U&\"\\00e9\"",
                          "LISTEN \xc3\xa4",
                          "LISTEN select",
                          "LISTEN USER",
                          "LISTEN left",
                          "LISTEN system_user",
                          "LISTEN a; LISTEN b",
                          "LISTEN \"a",
                          "UNLISTEN",
                          "UNLISTEN **",
                          "UNLISTEN all",
                          "UNLISTEN * x",
                          "(LISTEN a)",
                          "SELECT 1",
                          "NOTIFY a",
                          "SAVEPOINT a"}) {
    INFO(sql);
    CHECK_FALSE(parse_listen(sql));
  }
}

TEST_CASE("the statements that decide when a LISTEN takes effect are told from the others") {
  struct Case {
    const char* sql;
    ListenVerb verb;
    const char* name;
  };
  const Case cases[] = {
      {"SELECT 1", ListenVerb::other, ""},
      {"BEGIN", ListenVerb::other, ""},
      {"DISCARD ALL", ListenVerb::unlisten_all, ""},
      {"DISCARD PLANS", ListenVerb::other, ""},
      {"SAVEPOINT S1", ListenVerb::savepoint, "s1"},
      {"SAVEPOINT savepoint", ListenVerb::savepoint, "savepoint"},
      {"RELEASE s1", ListenVerb::release, "s1"},
      {"RELEASE SAVEPOINT \"S1\"", ListenVerb::release, "S1"},
      {"RELEASE savepoint", ListenVerb::release, "savepoint"},
      {"RELEASE SAVEPOINT savepoint", ListenVerb::release, "savepoint"},
      {"ROLLBACK TO s1", ListenVerb::rollback_to, "s1"},
      {"ROLLBACK WORK TO SAVEPOINT s1", ListenVerb::rollback_to, "s1"},
      {"rollback transaction to savepoint", ListenVerb::rollback_to, "savepoint"},
      {"ROLLBACK", ListenVerb::rollback, ""},
      {"ROLLBACK TRANSACTION AND CHAIN", ListenVerb::rollback, ""},
      {"ABORT WORK AND NO CHAIN", ListenVerb::rollback, ""},
      {"ROLLBACK PREPARED 'x'", ListenVerb::other, ""},
      {"COMMIT", ListenVerb::commit, ""},
      {"END TRANSACTION", ListenVerb::commit, ""},
      {"COMMIT AND CHAIN", ListenVerb::commit, ""},
      {"COMMIT PREPARED 'x'", ListenVerb::other, ""},
      {"PREPARE TRANSACTION 'x'", ListenVerb::other, ""},
      {"CREATE FUNCTION f() RETURNS void BEGIN ATOMIC SELECT 1; END", ListenVerb::other, ""},
  };
  for (const Case& c : cases) {
    INFO(c.sql);
    const auto steps = listen_steps(c.sql);
    REQUIRE(steps);
    REQUIRE(steps->size() == 1);
    CHECK(steps->front().verb == c.verb);
    CHECK(steps->front().name == c.name);
  }
}

TEST_CASE("every statement of a string is a step") {
  CHECK(listen_steps("") == std::vector<ListenStep>{});
  CHECK(listen_steps("BEGIN; LISTEN a;; ROLLBACK TO x; UNLISTEN *; COMMIT") ==
        std::vector<ListenStep>{{ListenVerb::other, "", false},
                                {ListenVerb::listen, "a", false},
                                {ListenVerb::rollback_to, "x", false},
                                {ListenVerb::unlisten_all, "", false},
                                {ListenVerb::commit, "", false}});
  for (const char* sql :
       {"SELECT 1; LISTEN U&\"\\00e9\"", "ROLLBACK TO \xc3\xa4", "SAVEPOINT select", "END x"}) {
    INFO(sql);
    CHECK_FALSE(listen_steps(sql));
  }
  std::string many;
  for (std::size_t i = 0; i < listen_steps_max; ++i) many += "LISTEN a;";
  CHECK(listen_steps(many));
  CHECK_FALSE(listen_steps(many + "LISTEN a"));
}
