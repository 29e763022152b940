#include "proxy/code/function_table.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "proxy/code/unseen_code.hpp"

using namespace pgweir;

namespace {

using Names = std::vector<std::string>;
constexpr auto harmless = FunctionVerdict::harmless;
constexpr auto unknown = FunctionVerdict::unknown;
constexpr auto suspicious = FunctionVerdict::suspicious;
constexpr auto lasting = FunctionVerdict::lasting;

// Answers as the server would.
struct Server {
  std::vector<FunctionSource> functions;
  std::vector<Names> asked;

  std::vector<FunctionSource> answer(const Names& names) {
    asked.push_back(names);
    std::vector<FunctionSource> found;
    for (const FunctionSource& f : functions) {
      if (std::find(names.begin(), names.end(), f.name) != names.end()) found.push_back(f);
    }
    return found;
  }
};

// Asks until there is nothing left to ask for.
void learn_all(FunctionTable& table, Server& server, FunctionQuestion question) {
  while (!question.empty()) {
    REQUIRE(question.round < FunctionTable::rounds_max);
    question = table.learn(question, server.answer(question.names));
  }
}

FunctionEffects judge(FunctionTable& table, Server& server, std::string_view text) {
  FunctionQuestion question;
  const FunctionEffects first = table.judge(text, question);
  if (question.empty()) return first;
  learn_all(table, server, question);
  FunctionQuestion rest;
  FunctionEffects effects = table.judge(text, rest);
  CHECK(rest.empty());
  return effects;
}

FunctionSource sql(std::string name, std::string body) {
  return {std::move(name), "sql", std::move(body)};
}

}  // namespace

TEST_CASE("a function is unknown until its source has been read") {
  FunctionTable table;
  Server server{{sql("f", "select 1"), sql("setter", "select set_config('app.tenant', $1, false)")}, {}};
  FunctionQuestion question;
  const FunctionEffects before = table.judge("select F(1), s.Setter($1), lower('A')", question);
  CHECK(before.verdict == unknown);
  CHECK_FALSE(before.all_named);
  CHECK(question.names == Names{"f", "setter"});

  CHECK(table.learn(question, server.answer(question.names)).empty());
  FunctionQuestion nothing;
  CHECK(table.judge("select f(1)", nothing).verdict == harmless);
  const FunctionEffects after = table.judge("select f(1), setter($1)", nothing);
  CHECK(after.verdict == suspicious);
  CHECK(after.settings == Names{"app.tenant"});
  CHECK(after.all_named);
  CHECK(nothing.empty());
}

TEST_CASE("what a text calls by itself") {
  struct {
    const char* text;
    FunctionVerdict verdict;
    Names ask;
    bool all_named;
  } const cases[] = {
      {"", harmless, {}, true},
      {"select count(*), coalesce(a, now()) from t where a in (1)", harmless, {}, true},
      {"insert into orders (a, b) values (1, f(2))", unknown, {"f"}, false},
      {"with r (a) as (select 1) select * from r as q (b)", harmless, {}, true},
      {"call s.proc(1); select * from proc(2)", unknown, {"proc"}, false},
      {"select \"Odd Name\"(1), \"it\"\"s\"(2)", unknown, {"Odd Name", "it\"s"}, false},
      {"select util.set_config('a')", unknown, {"set_config"}, false},
      {"select t.f, 'g(1)', $$ h(1) $$ /* i(1) */ from t -- j(1)", harmless, {}, true},
      // The text's facts tell these.
      {"select set_config('a.b', 'c', false), nextval('s'), pg_advisory_lock(1)", harmless, {}, true},
      {"select query_to_xml($1, true, true, '')", suspicious, {}, false},
      {"select U&\"\\00e9\"(1)", suspicious, {}, false},
      {"select \"gr\xc3\xb6\xc3\x9f\"(1)", suspicious, {}, false},
      {"select gr\xc3\xb6\xc3\x9f"
       "e(1)",
       suspicious,
       {},
       false},
      {"do $$ begin perform f(1); set a.b = 1; end $$", suspicious, {"f"}, false},
      {"do $$ begin perform set_config('a.b', '1', true); end $$; select 1", harmless, {}, true},
      {"select 1; do language plperl 'x'", suspicious, {}, false},
      {"do", suspicious, {}, false},
      {"merge into t using s on t.a = s.a when not matched then do nothing", harmless, {}, true},
  };
  for (const auto& c : cases) {
    INFO(c.text);
    FunctionTable table;
    FunctionQuestion question;
    const FunctionEffects effects = table.judge(c.text, question);
    CHECK(effects.verdict == c.verdict);
    CHECK(question.names == c.ask);
    CHECK(effects.all_named == c.all_named);
  }
}

TEST_CASE("the session's standard_conforming_strings decides where a text's strings end") {
  FunctionTable table;
  FunctionQuestion question;
  CHECK(table.judge("select 'x\\'', f(1), '", question).verdict == harmless);
  CHECK(table.judge("select 'x\\'', f(1), ''", question, {.standard_conforming_strings = false}).verdict ==
        unknown);
  CHECK(question.names == Names{"f"});
}

TEST_CASE("a name without a source is no function, and is not asked for again") {
  FunctionTable table;
  Server server;
  CHECK(judge(table, server, "select * from generate (1)").verdict == harmless);
  CHECK(judge(table, server, "select * from generate (2)").verdict == harmless);
  CHECK(server.asked == std::vector<Names>{{"generate"}});
}

TEST_CASE("the worst overload counts") {
  Server server{{sql("f", "select 1"), {"f", "plpgsql", "begin listen x; end"}, sql("f", "select 2")}, {}};
  FunctionTable table;
  CHECK(judge(table, server, "select f(1)").verdict == suspicious);
  server.functions.push_back({"f", "c", "dblink_connect"});
  table.forget_all();
  CHECK(judge(table, server, "select f(1)").verdict == lasting);
}

TEST_CASE(
    "who calls a C library that is not known runs it, and the table holds no more of it than of others") {
  FunctionTable table;
  Server server{{{"f", "plpgsql", "begin perform g(); perform set_config('app.a', 'x', false); end"},
                 {"g", "c", "g", {}, "/tmp/mine"},
                 {"st_within", "c", "within", {}, "$libdir/postgis-3"}},
                {}};
  const FunctionEffects effects = judge(table, server, "select f(), st_within(a, b)");
  CHECK(effects.knowledge == CodeKnowledge::unreviewed);
  CHECK(effects.settings == Names{"app.a"});
  CHECK(judge(table, server, "select st_within(a, b)").is_free());
  CHECK(table.size() == 3);
}

TEST_CASE("sources that were not asked for are ignored") {
  FunctionTable table;
  FunctionQuestion question;
  table.judge("select f(1)", question);
  CHECK(table.learn(question, {sql("f", "select 1"), sql("g", "select 1")}).empty());
  CHECK(table.size() == 1);
}

TEST_CASE("nested calls are judged in turn") {
  Server server{
      {sql("a", "select b(1), c(1)"), sql("b", "select c(1)"), sql("c", "select d(1)"),
       sql("d", "select set_config('x.y', '', false)"), sql("e", "select f(1)"), sql("f", "select 1")},
      {}};
  FunctionTable table;
  const FunctionEffects effects = judge(table, server, "select a(1)");
  CHECK(effects.verdict == suspicious);
  CHECK(effects.settings == Names{"x.y"});
  CHECK(server.asked == std::vector<Names>{{"a"}, {"b", "c"}, {"d"}});
  CHECK(judge(table, server, "select e(1)").verdict == harmless);
}

TEST_CASE("a function that calls a missing one is no worse for it") {
  Server server{{sql("a", "select missing(1)")}, {}};
  FunctionTable table;
  CHECK(judge(table, server, "select a(1)").verdict == harmless);
}

TEST_CASE("a function with an unknown callee is unknown, and suspicious if it is so by itself") {
  FunctionTable table;
  FunctionQuestion question;
  table.judge("select a(1), b(1)", question);
  const FunctionQuestion next =
      table.learn(question, {sql("a", "select c(1)"), sql("b", "select c(1); listen x")});
  CHECK(next.names == Names{"c"});
  CHECK(next.round == 1);
  FunctionQuestion again;
  CHECK(table.judge("select a(1)", again).verdict == unknown);
  CHECK(again.names == Names{"c"});
  CHECK(table.judge("select b(1)", again).verdict == suspicious);
  CHECK_FALSE(table.judge("select b(1)", again).all_named);

  CHECK(table.learn(next, {{"c", "c", "dblink_connect"}}).empty());
  CHECK(table.judge("select a(1)", again).verdict == lasting);
  CHECK(table.judge("select b(1)", again).verdict == lasting);
}

TEST_CASE("recursion and mutual recursion end") {
  Server server{
      {sql("a", "select a(1)"), sql("even", "select odd($1 - 1)"), sql("odd", "select even($1 - 1)"),
       sql("ping", "select pong(1)"), sql("pong", "select ping(1); set x.y = 1")},
      {}};
  FunctionTable table;
  CHECK(judge(table, server, "select a(1)").verdict == harmless);
  CHECK(judge(table, server, "select odd(1)").verdict == harmless);
  CHECK(judge(table, server, "select even(1)").verdict == harmless);
  CHECK(judge(table, server, "select ping(1)").verdict == suspicious);
  CHECK(judge(table, server, "select pong(1)").settings == Names{"x.y"});
  CHECK(server.asked.size() == 5);
}

TEST_CASE("a deep chain takes several questions") {
  Server server;
  constexpr unsigned depth = FunctionTable::rounds_max * 3;
  for (unsigned i = 0; i < depth; ++i) {
    server.functions.push_back(sql("f" + std::to_string(i), "select f" + std::to_string(i + 1) + "()"));
  }
  FunctionTable table;
  unsigned statements = 0;
  for (;; ++statements) {
    REQUIRE(statements < 10);
    FunctionQuestion question;
    if (table.judge("select f0()", question).verdict == harmless) break;
    learn_all(table, server, question);
  }
  CHECK(statements == 4);  // f24 does not exist, but is asked for
}

TEST_CASE("a question is bounded, and what it leaves out comes later") {
  Server server;
  std::string text = "select 1";
  for (std::size_t i = 0; i < FunctionTable::names_max + 5; ++i) text += ", f" + std::to_string(i) + "()";
  FunctionTable table;
  FunctionQuestion question;
  CHECK(table.judge(text, question).verdict == unknown);
  CHECK(question.names.size() == FunctionTable::names_max);
  learn_all(table, server, question);
  FunctionQuestion rest;
  CHECK(table.judge(text, rest).verdict == unknown);
  CHECK(rest.names.size() == 5);
  learn_all(table, server, rest);
  CHECK(table.judge(text, rest).verdict == harmless);
}

TEST_CASE("an answer from before a change is not believed, and asked for again") {
  FunctionTable table;
  FunctionQuestion question;
  table.judge("select f(1)", question);
  table.forget_all();
  const FunctionQuestion next = table.learn(question, {sql("f", "select g(1)")});
  CHECK(next.names == Names{"f"});
  CHECK(table.size() == 0);
  CHECK(table.learn(next, {sql("f", "select 1")}).empty());
  FunctionQuestion nothing;
  CHECK(table.judge("select f(1)", nothing).verdict == harmless);
}

TEST_CASE("questions that changes overtake come to an end") {
  FunctionTable table;
  FunctionQuestion question;
  table.judge("select f(1)", question);
  unsigned asked = 0;
  for (; !question.empty(); ++asked) {
    REQUIRE(asked <= FunctionTable::rounds_max);
    table.forget_all();
    question = table.learn(question, {sql("f", "select 1")});
  }
  CHECK(asked == FunctionTable::rounds_max);
}

TEST_CASE("what was asked before a change counts as such, also with names that were added later") {
  FunctionTable table;
  FunctionQuestion question;
  table.judge("select f(1)", question);
  table.forget_all();
  FunctionQuestion again;
  CHECK(table.judge("select f(1)", again).verdict == unknown);
  CHECK(again.names == Names{"f"});
  // Names added after the change do not make the older ones new.
  table.judge("select g(1)", question);
  CHECK(question.names == Names{"f", "g"});
  CHECK(table.learn(question, {}).names == Names{"f", "g"});
  CHECK(table.size() == 0);
}

TEST_CASE("a text that was harmless is judged anew when its functions may have changed") {
  FunctionTable table;
  Server before{{sql("f", "SELECT 1")}, {}};
  for (int i = 0; i < 3; ++i) CHECK(judge(table, before, "SELECT f()").verdict == harmless);
  CHECK(before.asked.size() == 1);
  table.forget_all();
  Server after{{sql("f", "SELECT set_config('a.b', 'c', false)")}, {}};
  CHECK(judge(table, after, "SELECT f()").verdict == suspicious);
  CHECK(after.asked.size() == 1);
}

TEST_CASE("a text that was harmless is judged anew when more is known of its functions") {
  FunctionTable table;
  FunctionQuestion asked;
  table.judge("SELECT f()", asked);
  CHECK(table.learn(asked, {sql("f", "SELECT 1")}).empty());
  FunctionQuestion none;
  CHECK(table.judge("SELECT f()", none).verdict == harmless);
  CHECK(table.learn(asked, {sql("f", "SELECT set_config('a.b', 'c', false)")}).empty());
  CHECK(table.judge("SELECT f()", none).verdict == suspicious);
}

TEST_CASE("texts in another dialect are not those that are remembered") {
  FunctionTable table;
  Server server{{sql("f", "SELECT set_config('a.b', 'c', false)")}, {}};
  const std::string_view text = "SELECT '\\', f(), '\\'";
  judge(table, server, "SELECT f()");
  FunctionQuestion question;
  CHECK(table.judge(text, question).verdict == suspicious);
  CHECK(table.judge(text, question, SqlDialect{.standard_conforming_strings = false}).verdict == harmless);
  CHECK(table.judge(text, question).verdict == suspicious);
}

TEST_CASE("thousands of harmless texts are not all remembered") {
  FunctionTable table;
  FunctionQuestion question;
  for (std::size_t i = 0; i < 3 * FunctionTable::texts_max; ++i)
    CHECK(table.judge("SELECT abs(" + std::to_string(i) + ")", question).verdict == harmless);
  CHECK(question.empty());
}

TEST_CASE("a full table starts anew") {
  FunctionTable table;
  Server server;
  for (std::size_t i = 0; i < FunctionTable::functions_max + 10; ++i) {
    CHECK(judge(table, server, "select f" + std::to_string(i) + "()").verdict == harmless);
    REQUIRE(table.size() <= FunctionTable::functions_max);
  }
  CHECK(table.size() == 10);
}

TEST_CASE("any graph of calls gives each function the worst of what it reaches") {
  const unsigned seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const auto below = [&random](unsigned n) { return static_cast<unsigned>(random() % n); };
  for (int round = 0; round < 300; ++round) {
    const unsigned count = 1 + below(7);
    const char* const bodies[] = {"select 1", "select 1", "select 1", "listen x", "load 'x'"};
    const FunctionVerdict verdicts[] = {harmless, harmless, harmless, suspicious, lasting};
    std::vector<FunctionVerdict> own(count);
    std::vector<std::vector<bool>> reaches(count, std::vector<bool>(count, false));
    Server server;
    for (unsigned i = 0; i < count; ++i) {
      const unsigned kind = below(5);
      own[i] = verdicts[kind];
      reaches[i][i] = true;
      std::string body = bodies[kind];
      for (unsigned n = below(4); n > 0; --n) {
        const unsigned callee = below(count);
        reaches[i][callee] = true;
        body += "; select f" + std::to_string(callee) + "()";
      }
      server.functions.push_back(sql("f" + std::to_string(i), body));
    }
    for (unsigned k = 0; k < count; ++k) {
      for (unsigned i = 0; i < count; ++i) {
        for (unsigned j = 0; j < count; ++j)
          reaches[i][j] = reaches[i][j] || (reaches[i][k] && reaches[k][j]);
      }
    }
    FunctionTable table;
    for (unsigned n = 0; n < 2 * count; ++n) {
      const unsigned i = below(count);
      FunctionVerdict worst = harmless;
      for (unsigned j = 0; j < count; ++j) {
        if (reaches[i][j]) worst = std::max(worst, own[j]);
      }
      INFO("round " << round << ", f" << i);
      CHECK(judge(table, server, "select f" + std::to_string(i) + "()").verdict == worst);
    }
  }
}

TEST_CASE("threads may judge, learn and forget at the same time") {
  FunctionTable table;
  const auto work = [&table](unsigned self) {
    for (unsigned n = 0; n < 500; ++n) {
      FunctionQuestion question;
      table.judge("select a(1), b(1)", question);
      while (!question.empty()) question = table.learn(question, {sql("a", "select b(1), c(1)")});
      if (n % 50 == self) table.forget_all();
    }
  };
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < 4; ++i) threads.emplace_back(work, i);
  for (std::thread& thread : threads) thread.join();
  Server server{{sql("a", "select 1")}, {}};
  CHECK(judge(table, server, "select a(1), b(1)").verdict == harmless);
}

TEST_CASE("a name is a built-in function only where it cannot be a user's") {
  for (const char* text :
       {"select uuidv7()", "select json_value(1)", "select \"check\"(1)", "select \"user\"(1)",
        "select pg_catalog.check(1)", "select join(1)", "select 1 from a join b on conflict(a)"}) {
    INFO(text);
    FunctionTable table;
    FunctionQuestion question;
    CHECK(table.judge(text, question).verdict == unknown);
    CHECK(question.names.size() == 1);
  }
  FunctionTable table;
  FunctionQuestion question;
  CHECK(table.judge("select \"left\"('a', 1), check(1), lower('A')", question).is_free());
  CHECK(question.empty());
}

TEST_CASE("a built-in function of a later version is asked for once") {
  FunctionTable table;
  Server server;
  CHECK(judge(table, server, "select uuidv7()").is_free());
  CHECK(judge(table, server, "insert into t values (uuidv7())").is_free());
  CHECK(server.asked == std::vector<Names>{{"uuidv7"}});
}

TEST_CASE("triggers' functions are users' whatever they are called") {
  const Names names{"lower", "check", "order", "gamma", "set_config"};
  FunctionTable table;
  FunctionQuestion question;
  CHECK(table.judge(call_of_all(names), question).verdict == unknown);
  CHECK(question.names == names);
}
