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
  const StatementRef a = cache.intern("select 1", none, plain);
  CHECK(cache.intern("select 1", none, plain) == a);
  CHECK(cache.intern("select 2", none, plain) != a);
  CHECK(cache.intern("select 1", one, plain) != a);
  CHECK(cache.intern("select 1", none, context({{"search_path", "other"}})) != a);
  CHECK(a->server_name.starts_with(server_name_prefix));
}

TEST_CASE("a statement whose context nobody knows is shared with nobody") {
  StatementCache cache;
  const StatementRef a = cache.intern("select 1", {}, nullptr);
  CHECK(cache.intern("select 1", {}, nullptr) != a);
  CHECK(cache.intern("select 1", {}, plain) != a);
  cache.confirm(a, {1, TimePoint{}});
  CHECK_FALSE(cache.was_parsed_lately(a, {1, TimePoint{}}));
}

TEST_CASE("names cannot be guessed: one statement's says nothing about the next one's") {
  StatementCache cache;
  StatementCache other;
  const std::string first = cache.intern("select 1", {}, plain)->server_name;
  CHECK(cache.intern("select 1", {}, plain)->server_name != first);
  CHECK(other.intern("select 1", {}, plain)->server_name != first);
  CHECK(first.size() == server_name_prefix.size() + 24);
  CHECK(cache.own_name() != other.own_name());
}

TEST_CASE("a client's Parse is answered without the server for a short time, and not after DDL") {
  StatementCache cache;
  const StatementRef a = cache.intern("select 1", {}, plain);
  const TimePoint now{10s};
  CHECK_FALSE(cache.was_parsed_lately(a, {1, now}));
  cache.confirm(a, {1, now});
  CHECK(cache.was_parsed_lately(a, {1, now}));
  CHECK(cache.was_parsed_lately(a, {1, now + StatementCache::parse_age_max}));
  CHECK_FALSE(cache.was_parsed_lately(a, {1, now + StatementCache::parse_age_max + 1ms}));
  CHECK_FALSE(cache.was_parsed_lately(a, {2, now}));
  cache.confirm(a, {2, now});
  cache.confirm(a, {1, now});  // an answer that was under way while DDL took place
  CHECK(cache.was_parsed_lately(a, {2, now}));
}

TEST_CASE("what has changed is renewed for those who parse it later") {
  StatementCache cache;
  const StatementRef old = cache.intern("select 1", {}, plain);
  cache.confirm(old, {1, TimePoint{}});
  const StatementRef fresh = cache.renew(old);
  CHECK(fresh != old);
  CHECK(fresh->server_name != old->server_name);
  CHECK(cache.intern("select 1", {}, plain) == fresh);
  CHECK_FALSE(cache.was_parsed_lately(fresh, {1, TimePoint{}}));
  cache.forget(fresh);
  CHECK(cache.intern("select 1", {}, plain) != fresh);
  CHECK(cache.renew(old)->text == "select 1");
}

TEST_CASE("statements that nobody holds are forgotten, sooner or later") {
  StatementCache cache;
  const StatementRef kept = cache.intern("select 'kept'", {}, plain);
  for (int i = 0; i < 5000; ++i) (void)cache.intern("select " + std::to_string(i), {}, plain);
  CHECK(cache.size() < 1000);
  CHECK(cache.intern("select 'kept'", {}, plain) == kept);
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
