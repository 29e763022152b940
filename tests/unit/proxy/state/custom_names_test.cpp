#include "proxy/state/custom_names.hpp"

#include <catch2/catch.hpp>

using namespace pgweir;
using Names = std::vector<std::string>;

namespace {

Names found(const char* text) {
  Names names;
  find_custom_names(text, false, names);
  return names;
}
bool finds_all(const char* text, bool bound = false) {
  Names names;
  return find_custom_names(text, bound, names);
}

}  // namespace

TEST_CASE("custom settings named by literals are found") {
  CHECK(found("select set_config('app.Tenant', $1, false)") == Names{"app.tenant"});
  CHECK(found("select set_config('a.b', 'x', false), set_config('a.c', 'y', true)") == Names{"a.b", "a.c"});
  CHECK(found("select 1; set my.own to 'x'; set local \"a\".\"B\" = 1") == Names{"a.b", "my.own"});
}

TEST_CASE("names are found in code that is given as a string") {
  CHECK(found("select run($do$ perform set_config('a.b', 'x', false) $do$)") == Names{"a.b"});
  CHECK(found("select run('set a.b to 1')") == Names{"a.b"});
  CHECK(found("select 'a.b'").empty());
}

TEST_CASE("names that cannot be read are said to be missing") {
  CHECK_FALSE(finds_all("select set_config($1, $2, false)"));
  CHECK(finds_all("select set_config($1, $2, false)", true));
  CHECK_FALSE(finds_all("select set_config(lower($1), $2, false)", true));
  CHECK(finds_all("select set_config('a.b', 'x', false)"));
  CHECK_FALSE(finds_all("select set_config('a.' || $1, 'x', false)"));
}

TEST_CASE("a bound value counts when it can be a custom setting's name") {
  Names names;
  for (const char* value : {"app.Tenant", "a", "1.5", ".a", "a.", "a b.c", "it's.a"})
    CHECK(guess_bound_name(names, value));
  CHECK(names == Names{"app.tenant"});
}

TEST_CASE("literals and values that can be names are guessed, and it is said when there are too many") {
  Names names;
  guess_custom_names(names,
                     "select app.set_it('app.Tenant', 'it is a.b', '1.5', E'my\\.x', $$own.flag$$), 'x'");
  guess_bound_name(names, "bound.name");
  CHECK(names == Names{"app.tenant", "bound.name", "my.x", "own.flag"});
  for (std::size_t i = 4; i < guessed_names_max; ++i)
    CHECK(guess_bound_name(names, "a.b" + std::to_string(i)));
  CHECK_FALSE(guess_bound_name(names, "a.c"));
  CHECK_FALSE(guess_custom_names(names, "select app.set_it('a.c', 'a.b')"));
  CHECK(guess_bound_name(names, "no name"));
  CHECK(names.size() == guessed_names_max);
}

TEST_CASE("a name is remembered once") {
  Names names;
  remember_name(names, "a.b");
  remember_name(names, "a.b");
  CHECK(names == Names{"a.b"});
}

TEST_CASE("a session has as many names as it has set") {
  Names names;
  for (std::size_t i = 0; i < 5'000; ++i) remember_name(names, "a.b" + std::to_string(i % 2'500));
  CHECK(names.size() == 2'500);
  const std::string long_name = "a." + std::string(100'000, 'b');
  CHECK(find_custom_names("select set_config('" + long_name + "', 'x', false)", false, names));
  CHECK(names.size() == 2'501);
}
