#include "protocol/sql_set_config.hpp"

#include <catch2/catch.hpp>

using namespace pgweir;
using Kind = ConfigArgument::Kind;

namespace {

std::string spell(const ConfigArgument& argument) {
  switch (argument.kind) {
    case Kind::literal:
      return "'" + argument.text + "'";
    case Kind::parameter:
      return "$" + std::to_string(argument.number);
    case Kind::name:
      return argument.text;
    case Kind::null:
      return "null";
    case Kind::other:
      return "?";
  }
  return {};
}

// "plain" or "hides" in front, then each call.
std::string read(std::string_view text) {
  const SetConfigUse use = find_set_config(text);
  std::string out = use.is_plain ? "plain" : use.hides_calls ? "hides" : "mixed";
  for (const SetConfigCall& call : use.calls)
    out += " " + spell(call.name) + "=" + spell(call.value) + "/" + spell(call.is_local);
  return out;
}

}  // namespace

TEST_CASE("a SELECT of nothing but set_config tells what it sets") {
  CHECK(read("SELECT set_config('app.tenant', $1, true)") == "plain 'app.tenant'=$1/'true'");
  CHECK(read("select pg_catalog.set_config('a.b', 'x''y', FALSE) as done;") == "plain 'a.b'='x'y'/'false'");
  CHECK(read("select set_config('a.b',$2,$3), set_config($1, 'v', true) v") ==
        "plain 'a.b'=$2/$3 $1='v'/'true'");
  CHECK(read("select set_config('a.b', $1::text, true)") == "plain 'a.b'=$1/'true'");
  CHECK(read("select set_config('a.b'::pg_catalog.text, $1, 't'::boolean)::text") == "plain 'a.b'=$1/'t'");
  CHECK(read("select set_config(is_local => true, new_value => 'v', setting_name => 'a.b')") ==
        "plain 'a.b'='v'/'true'");
  CHECK(read("select set_config('a.b', new_value := 'v', is_local := false)") == "plain 'a.b'='v'/'false'");
  CHECK(read("select set_config('a.b', 'x' || $1, true)") == "plain 'a.b'=?/'true'");
  CHECK(read("select set_config('a.b', null, true)") == "plain 'a.b'=null/'true'");
  CHECK(read("select set_config('a.b', ($1 + 1), true)") == "plain 'a.b'=?/'true'");
}

TEST_CASE("a literal is read in every form that leaves it as it is") {
  for (const char* const name :
       {"('a.b')", "(('a.b'))", "text 'a.b'", "cast('a.b' as text)", "cast(('a.b') as pg_catalog.varchar)",
        "'a.'\n'b'", "U&'\\0061.b'", "U&'!0061.b' UESCAPE '!'", "('a.b'::text)::varchar"}) {
    INFO(name);
    CHECK(read("select set_config(" + std::string(name) + ", ($1), (true))") == "plain 'a.b'=$1/'true'");
  }
  for (const char* const name :
       {"('a.b' || 'c')", "cast('a.b' as char(2))", "name 'a.b'", "((((('a.b')))))", "('a.b'"}) {
    INFO(name);
    CHECK(read("select set_config(" + std::string(name) + ", 'v', true)").find("'a.b'=") ==
          std::string::npos);
  }
  CHECK(read("select U&\"set\\005fconfig\"('a.b', 'v', true)").find("'a.b'='v'/'true'") != std::string::npos);
}

TEST_CASE("with anything beside it, it may be called more than once, or never") {
  CHECK(read("select set_config('a.b','v',true) where false") == "mixed 'a.b'='v'/'true'");
  CHECK(read("select 1, set_config('a.b','v',true)") == "mixed 'a.b'='v'/'true'");
  CHECK(read("select set_config('a.b','v',true); select 1") == "mixed 'a.b'='v'/'true'");
  CHECK(read("with x as (select set_config('a.b', y, false) from z) select * from x") ==
        "mixed 'a.b'=y/'false'");
  CHECK(read("select set_config('a.b', set_config('c.d', 'v', true), true)") == "hides 'a.b'=?/'true'");
}

TEST_CASE("what may be run as code, or cannot be read, is said to hide calls") {
  CHECK(read("do $$ begin perform set_config('a.b','v',false); end $$") == "hides");
  CHECK(read("select f('select set_config(1,2,3)')") == "hides");
  CHECK(read("select set_config('a.b')") == "hides");
  CHECK(read("select set_config('a.b', 'v', true, 4)") == "hides");
  CHECK(read("select set_config(nonsense => 1, 2, 3)") == "hides");
  CHECK(read("select other.set_config('a.b', 'v', false)") == "hides");
  CHECK(read("select 1") == "mixed");
}

TEST_CASE("booleans are read as PostgreSQL does") {
  CHECK(boolean_value("t") == true);
  CHECK(boolean_value("ON") == true);
  CHECK(boolean_value("0") == false);
  CHECK_FALSE(boolean_value("maybe"));
  CHECK_FALSE(boolean_value(""));
}
