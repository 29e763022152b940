#include "proxy/custom_names.hpp"

#include <catch2/catch.hpp>

using namespace pgweir;
using Names = std::vector<std::string>;

namespace {

struct Found {
  Names names;
  bool all;
};
Found find(const char* text) {
  Found found;
  found.all = find_custom_names(text, effects_of(text), found.names);
  return found;
}

}  // namespace

TEST_CASE("custom settings named by literals are found, also in the body of a DO") {
  CHECK(find("select set_config('app.Tenant', $1, false)").names == Names{"app.tenant"});
  CHECK(find("select set_config('a.b', 'x', false), set_config('a.c', 'y', true)").names ==
        Names{"a.b", "a.c"});
  const Found body =
      find("do $$ begin perform set_config('app.tenant', '7', false); set my.own to 'x'; end $$");
  CHECK(body.names == Names{"app.tenant", "my.own"});
  CHECK(body.all);
  CHECK(find("do 'begin set local \"a\".\"B\" = 1; end'").names == Names{"a.b"});
}

TEST_CASE("names that cannot be read are said to be missing") {
  CHECK_FALSE(find("select set_config($1, $2, false)").all);
  CHECK_FALSE(find("do $$ begin execute 'set a.b to 1'; end $$").all);
  CHECK_FALSE(find("do $$ begin perform f(); end $$").all);
  CHECK_FALSE(find("call p()").all);
  CHECK(find("select set_config('a.b', 'x', false)").all);
}

TEST_CASE("a name is remembered once") {
  Names names;
  remember_name(names, "a.b");
  remember_name(names, "a.b");
  CHECK(names == Names{"a.b"});
}
