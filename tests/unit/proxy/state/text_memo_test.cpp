#include "proxy/state/text_memo.hpp"

#include <catch2/catch.hpp>

using namespace pgweir;

TEST_CASE("a text that calls something is read once") {
  TextMemo memo;
  const std::string text = "SELECT set_config('app.tenant', 't7', true)";
  const ReadText* const first = memo.read(text);
  REQUIRE(first != nullptr);
  CHECK(first->effects.may_set);
  CHECK(first->effects.facts == effects_of(text).facts);
  REQUIRE(first->set_config.calls.size() == 1);
  CHECK(first->set_config.is_plain);
  CHECK(first->set_config.calls[0].value.text == "t7");
  CHECK(memo.read(std::string(text)) == first);
  CHECK(memo.size() == 1);
}

TEST_CASE("another literal is another text") {
  TextMemo memo;
  CHECK(memo.read("SELECT set_config('a.b', '1', false)")->set_config.calls[0].value.text == "1");
  CHECK(memo.read("SELECT set_config('a.b', '2', false)")->set_config.calls[0].value.text == "2");
  CHECK(memo.size() == 2);
}

TEST_CASE("what is read at a glance, and what is too long, is not kept") {
  TextMemo memo;
  CHECK(memo.read("SELECT abalance FROM pgbench_accounts WHERE aid = 7") == nullptr);
  CHECK(memo.read("SELECT f('" + std::string(TextMemo::text_max, 'x') + "')") == nullptr);
  CHECK(memo.size() == 0);
}

TEST_CASE("texts without end do not fill the memory") {
  TextMemo memo;
  for (std::size_t i = 0; i < 3 * TextMemo::entries_max; ++i)
    memo.read("SELECT f(" + std::to_string(i) + ")");
  CHECK(memo.size() <= TextMemo::entries_max);
}

TEST_CASE("a SET is read once, and one that is not understood is not a SET") {
  TextMemo memo;
  const ReadText* const read = memo.read("SET LOCAL statement_timeout = '5s'");
  REQUIRE(read != nullptr);
  REQUIRE(read->set != nullptr);
  CHECK(read->set->name == "statement_timeout");
  CHECK(read->set->scope == SetScope::local);
  const SetStatement* const before = read->set.get();
  CHECK(memo.read("SET LOCAL statement_timeout = '5s'")->set.get() == before);
  REQUIRE(memo.read("set x") != nullptr);
  CHECK(memo.read("set x")->set == nullptr);
  CHECK(memo.read("set a = 1; set b = 2")->set == nullptr);
  CHECK(memo.read("settle") == nullptr);
}
