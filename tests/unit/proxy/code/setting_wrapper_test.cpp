#include "proxy/code/setting_wrapper.hpp"

#include <catch2/catch.hpp>

using namespace pgweir;

namespace {

// What a call of the function sets, as "name=value/local"; "-": it is no wrapper; "?": not for this call.
std::string wrapped(const FunctionSource& source, std::string_view call) {
  const auto wrapper = read_wrapper(source);
  if (!wrapper) return "-";
  const auto plain = read_plain_call(call);
  if (!plain) return "?";
  const auto use = unwrap(*wrapper, *plain);
  if (!use) return "?";
  std::string out;
  for (const SetConfigCall& each : use->calls) {
    const auto spell = [](const ConfigArgument& a) {
      return a.kind == ConfigArgument::Kind::parameter ? "$" + std::to_string(a.number) : a.text;
    };
    out += (out.empty() ? "" : " ") + spell(each.name) + "=" + spell(each.value) + "/" + spell(each.is_local);
  }
  return out;
}

FunctionSource sql(std::string body, std::string arguments = "t|25") {
  return {"f", "sql", std::move(body), std::move(arguments)};
}
FunctionSource plpgsql(std::string body, std::string arguments = "t|25") {
  return {"f", "plpgsql", std::move(body), std::move(arguments)};
}

}  // namespace

TEST_CASE("a function of nothing but set_config is as certain as set_config itself") {
  CHECK(wrapped(sql("select set_config('app.tenant', t, true)"), "select f('a')") == "app.tenant=a/true");
  CHECK(wrapped(sql("select set_config('app.tenant', $1, false)", "|25"), "select f($1)") ==
        "app.tenant=$1/false");
  CHECK(wrapped(plpgsql("begin perform set_config('app.tenant', t, false); end"), "SELECT app.f($3) AS x;") ==
        "app.tenant=$3/false");
  CHECK(wrapped(
            plpgsql("\nBEGIN\n  PERFORM set_config('a.b', t, true);\n  PERFORM set_config('a.c', u, true);\n"
                    "  RETURN t;\nEND;\n",
                    "t,u|25 1043"),
            "select f('x', 'y')") == "a.b=x/true a.c=y/true");
  CHECK(wrapped(sql("select set_config(n, v, l)", "n,v,l|25 25 16"), "select f('a.b', 'v', true)") ==
        "a.b=v/true");
}

TEST_CASE("a wrapper whose names or values did not come whole is none") {
  CHECK(wrapped(sql("select set_config('app.t__not_ascii__', 'A', false)"), "select f('a')") == "-");
  CHECK(wrapped(sql("select set_config('app.t', 'se__not_ascii__or', false)"), "select f('a')") == "-");
  CHECK(wrapped(plpgsql("begin perform set_config('app.t', n__not_ascii__, false); end",
                        "n__not_ascii__,n__not_ascii__|25 25"),
                "select f('a', 'b')") == "-");
  CHECK(wrapped(sql("/* gr__not_ascii__n */ select set_config('app.t', t, false)"), "select f('a')") ==
        "app.t=a/false");
}

TEST_CASE("anything beside it, and it is no wrapper") {
  CHECK(wrapped(sql("select set_config('a.b', t, true) where t <> ''"), "select f('a')") == "-");
  CHECK(wrapped(sql("select set_config('a.b', upper(t), true)"), "select f('a')") == "-");
  CHECK(wrapped(sql("select set_config('a.b', other, true)"), "select f('a')") == "-");
  CHECK(wrapped(sql("select set_config('a.b', t, true); select 1"), "select f('a')") == "-");
  CHECK(wrapped(plpgsql("begin if t <> '' then perform set_config('a.b', t, true); end if; end"),
                "select f('a')") == "-");
  CHECK(wrapped(plpgsql("declare x text; begin perform set_config('a.b', t, true); end"), "select f('a')") ==
        "-");
  CHECK(wrapped(plpgsql("begin perform set_config('a.b', t, true); return g(t); end"), "select f('a')") ==
        "-");
  CHECK(wrapped(plpgsql("begin perform set_config('a.b', t, true); exception when others then null; end"),
                "select f('a')") == "-");
  CHECK(wrapped(sql("select set_config('a.b', t, true)", "t|23"), "select f(1)") == "-");
  CHECK(wrapped(sql("select set_config('a.b', t, true)", ""), "select f('a')") == "-");
  CHECK(wrapped({"f", "plperl", "select set_config('a.b', t, true)", "t|25"}, "select f('a')") == "-");
}

TEST_CASE("a call whose arguments the text does not show is left in doubt") {
  const FunctionSource source = sql("select set_config('a.b', t, true)");
  CHECK(wrapped(source, "select f(x)") == "?");
  CHECK(wrapped(source, "select f('a', 'b')") == "?");
  CHECK(wrapped(source, "select f()") == "?");
  CHECK(wrapped(source, "select f('a') from t") == "?");
  CHECK(wrapped(source, "select f('a'), 1") == "?");
  CHECK(wrapped(source, "select f('a'); select 1") == "?");
}
