#include "proxy/statement_cache.hpp"

#include <catch2/catch.hpp>

using namespace pgweir;

TEST_CASE("the same text with the same types in the same scope is one statement") {
  StatementCache cache;
  const ByteBuffer none = {0, 0};
  const ByteBuffer one = {0, 1, 0, 0, 0, 23};
  const StatementRef a = cache.intern("select 1", none, "");
  CHECK(cache.intern("select 1", none, "") == a);
  CHECK(cache.intern("select 2", none, "") != a);
  CHECK(cache.intern("select 1", one, "") != a);
  CHECK(cache.intern("select 1", none, "other") != a);
  CHECK(a->server_name.starts_with(server_name_prefix));
}

TEST_CASE("two statements never have one name, not even when the first is gone") {
  StatementCache cache;
  const std::string first = cache.intern("select 1", {}, "")->server_name;
  CHECK(cache.intern("select 1", {}, "")->server_name != first);
}

TEST_CASE("statements that nobody holds are forgotten, sooner or later") {
  StatementCache cache;
  const StatementRef kept = cache.intern("select 'kept'", {}, "");
  for (int i = 0; i < 5000; ++i) (void)cache.intern("select " + std::to_string(i), {}, "");
  CHECK(cache.size() < 1000);
  CHECK(cache.intern("select 'kept'", {}, "") == kept);
}

TEST_CASE("a statement knows whether its Execute may open a COPY or change a setting") {
  CHECK(make_unnamed("copy t from stdin", {})->may_copy());
  CHECK_FALSE(make_unnamed("select 1", {})->may_copy());
  CHECK(make_unnamed("SET work_mem = '1MB'", {})->effects.sets());
  CHECK(make_unnamed("reset all", {})->effects.sets());
  CHECK_FALSE(make_unnamed("update t set a = 1", {})->effects.sets());
  CHECK(make_unnamed("select 1", {})->server_name.empty());
}

TEST_CASE("a statement that SQL prepares is never shared, and its effects are those of its body") {
  StatementCache cache;
  const StatementRef a = cache.make_by_sql("(int) as copy t to stdout", "copy t to stdout");
  CHECK(cache.make_by_sql("(int) as copy t to stdout", "copy t to stdout")->server_name != a->server_name);
  CHECK(a->by_sql);
  CHECK(a->may_copy());
}
