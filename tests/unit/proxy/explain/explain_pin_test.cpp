#include "proxy/explain/explain_pin.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

#include "proxy/explain/explain_pin_render.hpp"

using namespace pgweir;

namespace {

constexpr Judgement tracked{.trust_triggers = true};
constexpr Judgement strict{.strict = true};

std::string verdict(std::string_view text, const Judgement& judgement = tracked) {
  return verdict_of(explain_pin(text, judgement));
}

// "kind name,name" of each effect of each statement.
std::vector<std::string> effects(std::string_view text, const Judgement& judgement = tracked) {
  std::vector<std::string> out;
  for (const ExplainedStatement& statement : explain_pin(text, judgement).statements) {
    for (const ExplainedEffect& effect : statement.effects) {
      std::string line(to_string(effect.kind));
      for (std::size_t i = 0; i < effect.names.size(); ++i) line += (i == 0 ? " " : ",") + effect.names[i];
      out.push_back(line);
    }
  }
  return out;
}
bool has(const std::vector<std::string>& lines, std::string_view line) {
  return std::find(lines.begin(), lines.end(), line) != lines.end();
}
using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("what changes nothing does not pin") {
  for (const char* text :
       {"", "select 1", "select count(*) from t", "begin", "commit", "create table t(a int)",
        "select pg_advisory_xact_lock(1)", "declare c cursor for select 1", "notify c",
        "set local work_mem to '1MB'", "prepare transaction 'x'", "lock table t"}) {
    INFO(text);
    CHECK(verdict(text) == "does not pin");
  }
}

TEST_CASE("settings follow the client by name") {
  CHECK(effects("set work_mem to '1MB'") == Lines{"follows work_mem"});
  CHECK(effects("SET TIME ZONE 'UTC'") == Lines{"follows timezone"});
  CHECK(effects("reset role") == Lines{"follows role"});
  CHECK(effects("reset all") == Lines{"follows"});
  CHECK(effects("set session characteristics as transaction read only, deferrable") ==
        Lines{"follows default_transaction_*"});
  CHECK(effects("select set_config('App.Tenant', 'x', false), set_config('a.b', 'y', true)") ==
        Lines{"follows app.tenant", "transaction a.b"});
  CHECK(effects("select set_config('a.b', 'x', is_local => true)") == Lines{"transaction a.b"});
  CHECK(effects("select set_config($1, $2, false)") == Lines{"follows set_config"});
  CHECK(effects("set work_mem") == Lines{"follows"});
  CHECK(verdict("set work_mem to 1; select 1") == "does not pin");
}

TEST_CASE("only a SET that is alone is known without the server") {
  const auto text = [](std::string_view sql) {
    return explain_pin(sql, tracked).statements[0].effects[0].text;
  };
  CHECK(text("set work_mem to '1MB'").find("asked") == std::string::npos);
  CHECK(text("set work_mem to '1MB'; select 1").find("asked") != std::string::npos);
  CHECK(text("set work_mem from current").find("asked") != std::string::npos);
}

TEST_CASE("what ends with the transaction is no pin") {
  CHECK(effects("set local work_mem to 1") == Lines{"transaction work_mem"});
  CHECK(effects("set transaction read only") == Lines{"transaction"});
  CHECK(effects("declare \"C\" cursor for select 1") == Lines{"transaction C"});
  CHECK(effects("select pg_try_advisory_xact_lock_shared(1)") == Lines{"transaction"});
  CHECK(effects("create temp table t(a int) on commit drop") == Lines{"transaction"});
  CHECK(verdict("create temp table t(a int) on commit drop") == "does not pin");
  CHECK(verdict("create temp table t(a int) on commit delete rows") == "may pin: temporary_object");
}

TEST_CASE("each reason is named") {
  CHECK(verdict("create temp table t(a int)") == "may pin: temporary_object");
  CHECK(verdict("select pg_advisory_lock(1)") == "may pin: advisory_lock");
  CHECK(verdict("declare c cursor with hold for select 1") == "may pin: holdable_cursor");
  CHECK(verdict("load 'auto_explain'") == "may pin: load");
  CHECK(verdict("select setseed(0.1)") == "may pin: session_function");
  CHECK(verdict("select nextval('s')") == "may pin: sequence_value");
  CHECK(verdict("create temp table t(a int); load 'x'; select 1") == "may pin: temporary_object, load");
}

TEST_CASE("a pin is told with what it is and when it ends") {
  const Explanation explanation = explain_pin("create temp table t(a int)", tracked);
  REQUIRE(explanation.statements.size() == 1);
  REQUIRE(explanation.statements[0].effects.size() == 1);
  const std::string& text = explanation.statements[0].effects[0].text;
  CHECK(explanation.statements[0].words == "CREATE TEMP TABLE");
  CHECK(text.find(text_of(Pin::temporary_object).what) == 0);
  CHECK(text.find("the server is asked") != std::string::npos);
  CHECK(text.find(text_of(Pin::temporary_object).ends) != std::string::npos);
}

TEST_CASE("SQL's prepared statements follow when they are sent alone") {
  CHECK(effects("prepare q as select 1") == Lines{"follows q"});
  CHECK(verdict("prepare q as select 1; select 1") == "may pin: sql_prepare");
  CHECK(verdict("prepare U&\"\\00e9\" as select 1") == "may pin: temporary_object, sql_prepare");
  CHECK(verdict("prepare q as select pg_advisory_lock(1)") == "may pin: advisory_lock");
  CHECK(has(effects("execute q(1)"), "judged q"));
  CHECK(has(effects("explain analyze execute q"), "judged q"));
  CHECK(has(effects("select 1; execute q; select 2"), "judged q"));
  CHECK(has(effects("execute U&\"\\00e9\""), "judged"));
  CHECK(verdict("execute q") == "does not pin by itself; depends on: sequence values, prepared statements");
  CHECK(effects("deallocate q") == Lines{"note q", "may_unpin sql_prepare"});
}

TEST_CASE("channels are the listening connection's") {
  CHECK(effects("listen Jobs") == Lines{"served jobs"});
  CHECK(effects("begin; listen a; commit") == Lines{"note", "served a"});
  CHECK(effects("unlisten *") == Lines{"served"});
  CHECK(verdict("listen U&\"\\00e9\"") == "may pin: temporary_object, listen");
}

TEST_CASE("called functions are named, and judged by their sources") {
  CHECK(effects("select f(1), s.\"G\"(2), lower('x')") == Lines{"judged f,G", "judged sequence_value"});
  CHECK(verdict("select f(1)") == "does not pin by itself; depends on: functions, sequence values");
  CHECK(verdict("call p()") == "does not pin by itself; depends on: functions, sequence values");
  CHECK(verdict("select f(1)", {}) ==
        "does not pin by itself; depends on: functions, triggers, sequence values");
}

TEST_CASE("the code of a DO is read") {
  CHECK(has(effects("do $$ begin perform f(); end $$"), "judged f"));
  CHECK(verdict("do $$ begin perform 1; end $$") == "does not pin by itself; depends on: sequence values");
  CHECK(verdict("do $$ begin create temp table t(a int); end $$").find("may pin: temporary_object") == 0);
  CHECK(verdict("do $$ begin perform setseed(0.1); end $$").find("session_function") != std::string::npos);
  CHECK(has(effects("do $$ begin set app.tenant to 'x'; end $$"), "follows app.tenant"));
}

TEST_CASE("what is written may fire triggers and take sequence values") {
  CHECK(verdict("insert into t values (1)", {}) ==
        "does not pin by itself; depends on: triggers, sequence values");
  CHECK(verdict("insert into t values (1)") == "does not pin by itself; depends on: sequence values");
  CHECK(verdict("insert into t values (1); select lastval()") == "may pin: sequence_value");
  CHECK(verdict("select currval('s')") == "does not pin");
}

TEST_CASE("strict mode asks about everything that it cannot judge") {
  const std::string all = "temporary_object, advisory_lock, holdable_cursor, listen, sql_prepare";
  CHECK(verdict("select f()", strict).find("may pin: " + all) == 0);
  CHECK(verdict("insert into t values (1)", strict).find("may pin: " + all) == 0);
  CHECK(verdict("select 1", strict) == "does not pin");
}

TEST_CASE("what may end a pin is told") {
  CHECK(effects("drop table t") == Lines{"may_unpin temporary_object"});
  CHECK(effects("close all") == Lines{"may_unpin holdable_cursor"});
  CHECK(effects("select pg_advisory_unlock_all()") == Lines{"may_unpin advisory_lock"});
  CHECK(effects("discard sequences") == Lines{"may_unpin sequence_value"});
  CHECK(effects("discard plans").empty());
  CHECK(effects("discard all") ==
        Lines{"follows",
              "may_unpin temporary_object,advisory_lock,holdable_cursor,sql_prepare,sequence_value"});
}

TEST_CASE("text that cannot be followed may do anything that the server shows") {
  const std::string text = "select $" + std::string(200, 'a') + "$ x";
  CHECK(verdict(text).find("may pin: temporary_object, advisory_lock") == 0);
  CHECK(has(effects(text), "unclear"));
}

TEST_CASE("a long Query is not read") {
  const std::string comment(1024 * 1024, ' ');
  CHECK(verdict("select 1" + comment).find("may pin: temporary_object") == 0);
  CHECK(verdict("select 1" + comment.substr(16)) == "does not pin");
}

TEST_CASE("drivers' resets need no server connection") {
  for (const char* text : {"reset all", "discard all", "unlisten *", "close all"}) {
    INFO(text);
    const Explanation explanation = explain_pin(text, tracked);
    REQUIRE_FALSE(explanation.effects.empty());
    CHECK(explanation.effects[0].kind == EffectKind::served);
  }
  CHECK(explain_pin("select 1", tracked).effects.empty());
}

TEST_CASE("no literal is shown, and no byte of a name reaches the terminal as a control character") {
  const Explanation explanation = explain_pin(
      "select 'secret'; select set_config('a.\x1b[31m\xc2\x9b\xff', 'secret', false); select "
      "\"q\"\"\\\xc3\xa4\"()",
      tracked);
  for (const std::string& out : {explanation_as_text(explanation, false), explanation_as_json(explanation)}) {
    CHECK(out.find("secret") == std::string::npos);
    CHECK(out.find('\x1b') == std::string::npos);
    CHECK(out.find("\xc2\x9b") == std::string::npos);
    CHECK(out.find('\xff') == std::string::npos);
    CHECK(out.find("a.\xef\xbf\xbd[31m\xef\xbf\xbd") != std::string::npos);
  }
  CHECK(explanation_as_text(explanation, true).find('\x1b') != std::string::npos);
}

TEST_CASE("the verdict is the last line") {
  const std::string out = explanation_as_text(explain_pin("load 'x'", tracked), false);
  CHECK(out.ends_with("\nmay pin: load\n"));
  CHECK(explanation_as_text(explain_pin("", tracked), false) == "no statement\ndoes not pin\n");
}

TEST_CASE("long lines are wrapped, and not within a character") {
  const std::string umlauts = "\xc3\xa4\xc3\xb6";
  std::string name;
  for (int i = 0; i < 15; ++i) name += umlauts;
  std::string sql = "select f()";
  for (const char schema : {'a', 'b', 'c'})
    sql += ", set_config('" + (schema + ("." + name)) + "', '', true)";
  const std::string out = explanation_as_text(explain_pin(sql, tracked), false);
  for (std::size_t at = 0; at < out.size(); at = out.find('\n', at) + 1) {
    const std::string_view line = std::string_view(out).substr(at, out.find('\n', at) - at);
    CHECK(line.size() <= 110);
    CHECK((static_cast<unsigned char>(line.back()) != 0xc3));
  }
  const std::string unbroken = "select set_config('a" + name + name + name + "', '', true)";
  CHECK(explanation_as_text(explain_pin(unbroken, tracked), false).find("\xc3\n") == std::string::npos);
}

TEST_CASE("JSON has a fixed shape") {
  CHECK(explanation_as_json(explain_pin("listen \"a\"\"b\"", tracked)) ==
        R"({"verdict":"does not pin","may_pin":[],"depends_on":[],"mode":"tracked","trust_triggers":true,)"
        R"("effects":[],"statements":[{"words":"LISTEN","effects":[{"kind":"served","names":["a\"b"],)"
        R"("text":"the pool's listening connection passes notifications on from the commit on"}]}],)"
        R"("more_statements":0})"
        "\n");
}

TEST_CASE("many statements are judged, but not all told of") {
  std::string text;
  for (std::size_t i = 0; i < Explanation::statements_max + 5; ++i) text += "select 1;";
  text += "load 'x'";
  const Explanation explanation = explain_pin(text, tracked);
  CHECK(explanation.statements.size() == Explanation::statements_max);
  CHECK(explanation.more_statements == 6);
  CHECK(explanation.pins == PinSet{Pin::load});
}

// --- Any bytes

namespace {

// Everything that the request path suspects is told, but for what is known to be gone or served elsewhere.
void check_any(const std::string& text, const Judgement& judgement) {
  const Explanation explanation = explain_pin(text, judgement);
  PinSet missing = may_begin(effects_of(text), judgement);
  missing.erase(explanation.pins);
  missing.erase({Pin::listen, Pin::temporary_object});
  if (!missing.empty()) {
    CAPTURE(text);
    CHECK(to_string(missing).empty());
  }
  const std::string shown = explanation_as_text(explanation, false);
  const std::string json = explanation_as_json(explanation);
  const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\n'; };
  const bool clean =
      std::none_of(shown.begin(), shown.end(), control) && std::count(json.begin(), json.end(), '\n') == 1;
  if (!clean) {
    CAPTURE(text);
    CHECK(clean);
  }
}

}  // namespace

TEST_CASE("random bytes and random tokens are explained without harm") {
  constexpr int texts = 1000;
  static const std::vector<std::string> tokens = {"set",        "local",
                                                  "reset",      "session",
                                                  "=",          "to",
                                                  "'x'",        "work_mem",
                                                  "a.b",        "select",
                                                  "set_config", "(",
                                                  ")",          ",",
                                                  ";",          "true",
                                                  "prepare",    "execute",
                                                  "deallocate", "as",
                                                  "q",          "create",
                                                  "temp",       "table",
                                                  "on",         "commit",
                                                  "drop",       "do",
                                                  "$$",         "$a$",
                                                  "begin",      "end",
                                                  "atomic",     "function",
                                                  "listen",     "unlisten",
                                                  "*",          "declare",
                                                  "cursor",     "with",
                                                  "hold",       "for",
                                                  "load",       "discard",
                                                  "all",        "pg_advisory_lock",
                                                  "nextval",    "currval",
                                                  "f",          "U&\"",
                                                  "\"",         "'",
                                                  "--",         "/*",
                                                  "*/",         "\n",
                                                  "\\",         "E'",
                                                  "explain",    "transaction",
                                                  "call",       "insert",
                                                  "into",       "\xff",
                                                  "\xc3\xa4",   "1",
                                                  ".",          "$1",
                                                  "alter",      "role",
                                                  "pg_temp"};
  const unsigned seed = GENERATE(1U, 2U, 3U, 4U);
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const auto below = [&random](std::size_t n) { return static_cast<std::size_t>(random()) % n; };
  for (int i = 0; i < texts; ++i) {
    std::string text;
    for (std::size_t n = below(60); n > 0; --n) {
      if (i % 4 == 0) {
        text += static_cast<char>(random() & 0xffU);
      } else {
        text += tokens[below(tokens.size())];
        if (below(8) > 0) text += ' ';
      }
    }
    check_any(text, {.strict = below(2) == 0, .trust_triggers = below(2) == 0});
  }
  SUCCEED();
}

TEST_CASE("every prefix of a statement is explained without harm") {
  const std::string text =
      "begin; set local \"a\".b to E'\\'x', $$y$$; select set_config('a', f((1)), is_local => true) /* c */; "
      "do $q$ begin perform pg_advisory_lock(1); end $q$; prepare \"x\"\"y\"(int) as select $1; create temp "
      "table t on commit drop as execute q(1); listen U&\"z\"; discard all";
  for (std::size_t n = 0; n <= text.size(); ++n) check_any(text.substr(0, n), {});
  SUCCEED();
}
