#include "proxy/pool/statement_cache.hpp"

#include <catch2/catch.hpp>

using namespace pgweir;
using namespace std::chrono_literals;

namespace {

Interner interner;

MapRef context(SettingMap settings = {}) {
  return interner.intern(std::move(settings));
}

const MapRef plain = context();

}  // namespace

TEST_CASE("the same text with the same types in the same context is one statement") {
  StatementCache cache;
  const ByteBuffer none = {0, 0};
  const ByteBuffer one = {0, 1, 0, 0, 0, 23};
  const StatementRef a = cache.intern("select 1", none, plain, 1);
  CHECK(cache.intern("select 1", none, plain, 1) == a);
  CHECK(cache.intern("select 2", none, plain, 1) != a);
  CHECK(cache.intern("select 1", one, plain, 1) != a);
  CHECK(cache.intern("select 1", none, context({{"search_path", "other"}}), 1) != a);
  CHECK(cache.intern("select 1", none, plain, 2) != a);  // DDL has taken place
  CHECK(a->server_name.starts_with(server_name_prefix));
}

TEST_CASE("a statement whose context nobody knows is shared with nobody") {
  StatementCache cache;
  const StatementRef a = cache.intern("select 1", {}, nullptr, 1);
  CHECK(cache.intern("select 1", {}, nullptr, 1) != a);
  CHECK(cache.intern("select 1", {}, plain, 1) != a);
}

TEST_CASE("a statement is its client's own until it is known what decided its meaning") {
  StatementCache cache;
  const std::shared_ptr<Statement> own = cache.make_own("select 1", {});
  CHECK(own->server_name.starts_with(server_name_prefix));
  CHECK(cache.size() == 0);
  SECTION("then others get it, too") {
    cache.share(own, plain, 1);
    CHECK(cache.intern("select 1", {}, plain, 1) == own);
    CHECK(cache.intern("select 1", {}, plain, 2) != own);
    cache.forget(own);
    CHECK(cache.intern("select 1", {}, plain, 1) != own);
  }
  SECTION("if others have one by then, they keep that") {
    const StatementRef theirs = cache.intern("select 1", {}, plain, 1);
    cache.share(own, plain, 1);
    CHECK(cache.intern("select 1", {}, plain, 1) == theirs);
  }
  CHECK(own->context == plain);
}

TEST_CASE("names cannot be guessed: one statement's says nothing about the next one's") {
  StatementCache cache;
  StatementCache other;
  const std::string first = cache.intern("select 1", {}, plain, 1)->server_name;
  CHECK(cache.intern("select 1", {}, plain, 1)->server_name != first);
  CHECK(other.intern("select 1", {}, plain, 1)->server_name != first);
  CHECK(first.size() == server_name_prefix.size() + 24);
  CHECK(cache.own_name() != other.own_name());
}

TEST_CASE("what has changed is renewed for those who parse it later") {
  StatementCache cache;
  const StatementRef old = cache.intern("select 1", {}, plain, 1);
  const StatementRef fresh = cache.renew(old);
  CHECK(fresh != old);
  CHECK(fresh->server_name != old->server_name);
  CHECK(cache.intern("select 1", {}, plain, 1) == fresh);
  cache.forget(fresh);
  CHECK(cache.intern("select 1", {}, plain, 1) != fresh);
  CHECK(cache.renew(old)->text == "select 1");
}

TEST_CASE("statements that nobody holds are forgotten, sooner or later") {
  StatementCache cache;
  const StatementRef kept = cache.intern("select 'kept'", {}, plain, 1);
  for (int i = 0; i < 5000; ++i) (void)cache.intern("select " + std::to_string(i), {}, plain, 1);
  CHECK(cache.size() < 1000);
  CHECK(cache.intern("select 'kept'", {}, plain, 1) == kept);
}

TEST_CASE("a statement knows whether its Execute may open a COPY or change a setting") {
  CHECK(make_unnamed("copy t from stdin", {})->may_copy());
  CHECK_FALSE(make_unnamed("select 1", {})->may_copy());
  CHECK(make_unnamed("SET work_mem = '1MB'", {})->effects.sets());
  CHECK(make_unnamed("reset all", {})->effects.sets());
  CHECK_FALSE(make_unnamed("update t set a = 1", {})->effects.sets());
  CHECK(make_unnamed("select 1", {})->server_name.empty());
  CHECK(make_unnamed("select 1", {})->set_config == nullptr);
  CHECK(make_unnamed("select set_config('a.b', $1, true)", {})->set_config->is_plain);
}

TEST_CASE("a statement that SQL prepares is never shared, and its effects are those of its body") {
  StatementCache cache;
  const StatementRef a = cache.make_by_sql("(int) as copy t to stdout", "copy t to stdout");
  CHECK(cache.make_by_sql("(int) as copy t to stdout", "copy t to stdout")->server_name != a->server_name);
  CHECK(a->by_sql);
  CHECK(a->may_copy());
}
