// Inputs made to hurt: each is answered, in bounded time, by a problem or by settings.
#include <catch2/catch.hpp>
#include <stdexcept>

#include "config/yaml_document.hpp"
#include "testing.hpp"

using namespace pgweir::config;

namespace {

std::string repeat(std::string_view piece, std::size_t times) {
  std::string out;
  out.reserve(piece.size() * times);
  for (std::size_t i = 0; i < times; ++i) out += piece;
  return out;
}

}  // namespace

TEST_CASE("nesting beyond the limit is refused before it can exhaust the stack") {
  const std::size_t levels = 100'000;
  for (const std::string& text : {repeat("[", levels), repeat("{a: ", levels), repeat("- ", levels),
                                  repeat("? ", levels), "x: " + repeat("[[", levels)}) {
    const LoadResult result = load(text);
    CHECK(result.settings == nullptr);
    REQUIRE(result.problems.size() == 1);
    CHECK(result.problems[0].line == 1);
  }
}

TEST_CASE("the nesting limit is exact") {
  const auto nested = [](std::size_t depth) { return repeat("[", depth) + repeat("]", depth); };
  std::vector<Problem> problems;
  CHECK(parse_yaml(nested(yaml_nesting_max), "f", problems).has_value());
  CHECK(problems.empty());
  CHECK_FALSE(parse_yaml(nested(yaml_nesting_max + 1), "f", problems).has_value());
  CHECK(lines_of(problems) == Lines{"f:1: YAML syntax: nested deeper than 16 levels"});
}

TEST_CASE("a document above the size limit is not parsed") {
  CHECK(problems_of(repeat("#", document_bytes_max + 1)) ==
        Lines{"f: larger than the limit of 1048576 bytes"});
  CHECK(problems_of(repeat("#", document_bytes_max)) == Lines{"f: the document is empty"});
}

TEST_CASE("a document of too many values is refused") {
  const Lines lines = problems_of("[" + repeat("a,\n", yaml_nodes_max) + "]");
  REQUIRE(lines.size() == 1);
  CHECK(lines[0] == "f:50000: YAML syntax: too many values for a configuration");
}

TEST_CASE("aliases cost nothing, however often they multiply") {
  std::string bomb = "a0: &a0 [x]\n";
  for (int i = 1; i < 40; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last + ", " + last + "]\n";
  }
  const LoadResult result = load(bomb);
  CHECK(result.settings == nullptr);
  CHECK(result.problems.size() < 1000);
}

TEST_CASE("long keys and many unknown keys stay bounded") {
  const std::string long_key(200'000, 'k');
  const Lines lines = problems_of("? " + long_key + "\n: 1\n");
  REQUIRE(lines.size() == 3);
  for (const auto& line : lines) CHECK(line.size() < 200);
  std::string many;
  for (int i = 0; i < 20'000; ++i) many += "key_number_" + std::to_string(i) + ": 1\n";
  CHECK(problems_of(with(many)).size() == 20'000);
}

TEST_CASE("every prefix of a valid file is answered") {
  const std::string whole =
      with("listen: {host: '127.0.0.1', tls: {mode: disable}}\nadmin: {console_users: [u]}\n");
  for (std::size_t length = 0; length <= whole.size(); ++length) {
    const LoadResult result = load(std::string_view(whole).substr(0, length));
    CHECK((result.settings == nullptr) == has_error(result.problems));
  }
}

TEST_CASE("an environment that throws is a problem, not an exception") {
  FakeEnvironment fake;
  Environment environment = fake.environment();
  environment.variable = [](const std::string&) -> std::optional<std::string> {
    throw std::runtime_error("no environment");
  };
  const LoadResult result = load_text(with_user("password_env: A"), "f", environment);
  CHECK(result.settings == nullptr);
  CHECK(lines_of(result.problems) == Lines{"f: cannot be read: internal error or out of memory"});
}
