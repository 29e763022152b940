#include "bench/query_mix.hpp"

#include <map>

#include <catch2/catch.hpp>

using namespace pgweir::bench;

namespace {

std::string only_problem(std::string_view text) {
  const ParsedMix parsed = parse_query_mix(text, "mix");
  INFO(text);
  REQUIRE(parsed.problems.size() == 1);
  return parsed.problems.front();
}

bool begins(const std::string& text, const std::string& start) {
  return text.rfind(start, 0) == 0;
}

}  // namespace

TEST_CASE("the built-in mix is good") {
  const ParsedMix parsed = parse_query_mix(default_query_mix(), "built-in");
  CHECK(parsed.problems.empty());
  CHECK(parsed.mix.size() == 4);
}

TEST_CASE("a mix has names, weights and SQL over several lines") {
  const ParsedMix parsed = parse_query_mix(
      "# comment\n"
      "\n"
      "read  70: SELECT a::text FROM t\n"
      "write\t30:UPDATE t\r\n"
      "   SET a = 1\n",
      "mix");
  REQUIRE(parsed.problems.empty());
  REQUIRE(parsed.mix.size() == 2);
  CHECK(parsed.mix.name(0) == "read");
  CHECK(parsed.mix.weight(0) == 70);
  Random random(1);
  CHECK(parsed.mix.sql(0, random) == "SELECT a::text FROM t");
  CHECK(parsed.mix.sql(1, random) == "UPDATE t\nSET a = 1");
}

TEST_CASE("the SQL may begin on the line after the heading, and the last line needs no end") {
  const ParsedMix parsed = parse_query_mix("q 1:\n  SELECT 1", "mix");
  REQUIRE(parsed.problems.empty());
  Random random(1);
  CHECK(parsed.mix.sql(0, random) == "\nSELECT 1");
}

TEST_CASE("placeholders become numbers within their bounds, other braces stay") {
  const ParsedMix parsed =
      parse_query_mix("q 1: SELECT '{1,2}'::int[], {-2..3}, '{a..b}', {7..7}, '{', {0..9}0", "mix");
  REQUIRE(parsed.problems.empty());
  Random random(9);
  std::map<char, int> last;
  for (int i = 0; i < 500; ++i) {
    const std::string sql = parsed.mix.sql(0, random);
    CHECK(begins(sql, "SELECT '{1,2}'::int[], "));
    CHECK(sql.find(", '{a..b}', 7, '{', ") != std::string::npos);
    const int number = std::stoi(sql.substr(23));
    CHECK(number >= -2);
    CHECK(number <= 3);
    ++last[sql[sql.size() - 2]];
  }
  CHECK(last.size() == 10);
}

TEST_CASE("queries are picked as often as their weights say") {
  const ParsedMix parsed = parse_query_mix("a 1: SELECT 1\nb 2: SELECT 2\nc 7: SELECT 3\n", "mix");
  Random random(3);
  std::map<std::size_t, int> picked;
  for (int i = 0; i < 100'000; ++i) ++picked[parsed.mix.pick(random)];
  CHECK(picked[0] == Approx(10'000).epsilon(0.05));
  CHECK(picked[1] == Approx(20'000).epsilon(0.05));
  CHECK(picked[2] == Approx(70'000).epsilon(0.05));
}

TEST_CASE("each mistake is told with its file and line") {
  using namespace std::string_view_literals;
  CHECK(begins(only_problem(""), "mix:1: no query"));
  CHECK(begins(only_problem("# nothing\n\n"), "mix:2: no query"));
  CHECK(begins(only_problem("a 1: SELECT 1\nSELECT 2\n"), "mix:2: expected NAME WEIGHT: SQL"));
  CHECK(begins(only_problem(" SELECT 1\na 1: SELECT 1\n"), "mix:1: a line that begins with a blank"));
  CHECK(begins(only_problem("a: SELECT 1\n"), "mix:1: the weight"));
  CHECK(begins(only_problem("a 0: SELECT 1\n"), "mix:1: the weight"));
  CHECK(begins(only_problem("a 1.5: SELECT 1\n"), "mix:1: the weight"));
  CHECK(begins(only_problem("a 99999999999: SELECT 1\n"), "mix:1: the weight"));
  CHECK(begins(only_problem("a=b 1: SELECT 1\n"), "mix:1: the name"));
  CHECK(begins(only_problem("a 1: SELECT 1\n\nb 1:\n# end\n"), "mix:3: a query without SQL"));
  CHECK(begins(only_problem("a 1: SELECT 1\na 1: SELECT 2\n"), "mix:2: 'a' is already the name"));
  CHECK(begins(only_problem("a 1: SELECT {9..1}\n"), "mix:1: {9..1}: the first number is above"));
  CHECK(begins(only_problem("a 1: SELECT\n \0\n"sv), "mix:2: a zero byte"));
  CHECK(begins(only_problem(std::string(QueryMix::text_max + 1, '#')), "mix:1: larger than"));
}

TEST_CASE("all mistakes of a mix are told at once") {
  CHECK(parse_query_mix("a 0: SELECT 1\nnonsense\nb 1:\n", "mix").problems.size() == 3);
}

TEST_CASE("a mix has at most a hundred queries") {
  std::string text;
  for (int i = 0; i < 102; ++i) text += "q" + std::to_string(i) + " 1: SELECT 1\n";
  CHECK(begins(only_problem(text), "mix:101: more than 100 queries"));
}
