#include "protocol/statement_map.hpp"

#include <catch2/catch.hpp>
#include <string>

namespace pgweir {
namespace {

StatementRef statement(std::string text) {
  auto made = std::make_shared<Statement>();
  made->text = std::move(text);
  return made;
}

// The text that a name stands for; "-" for none.
std::string text_of(const StatementMap& map, std::string_view name) {
  const StatementRef& found = map.find(name);
  return found ? found->text : "-";
}

TEST_CASE("a Parse is seen at once and committed on ParseComplete", "[statement_map]") {
  StatementMap map;
  CHECK(text_of(map, "s") == "-");
  map.begin_put("s", statement("one"));
  CHECK(text_of(map, "s") == "one");
  CHECK(map.committed().empty());
  CHECK(map.has_pending());
  map.confirm_front();
  CHECK(text_of(map, "s") == "one");
  CHECK(map.committed().size() == 1);
  CHECK_FALSE(map.has_pending());
}

TEST_CASE("X15 a refused or skipped Parse leaves the name free", "[statement_map]") {
  StatementMap map;
  map.begin_put("s", statement("refused"));
  map.begin_put("t", statement("skipped"));
  map.fail_front();
  CHECK(text_of(map, "t") == "skipped");
  map.drop_front();
  CHECK(text_of(map, "s") == "-");
  CHECK(text_of(map, "t") == "-");
}

TEST_CASE("X11 a refused Parse of a taken name leaves the old statement", "[statement_map]") {
  StatementMap map;
  map.begin_put("s", statement("old"));
  map.confirm_front();
  map.begin_put("s", statement("new"));
  CHECK(text_of(map, "s") == "new");
  map.fail_front();
  CHECK(text_of(map, "s") == "old");
}

TEST_CASE("Close and Parse of one name in one pipeline, in stream order", "[statement_map]") {
  StatementMap map;
  map.begin_put("s", statement("one"));
  map.confirm_front();
  map.begin_erase("s");
  CHECK(text_of(map, "s") == "-");
  map.begin_put("s", statement("two"));
  CHECK(text_of(map, "s") == "two");
  map.begin_erase("s");
  CHECK(text_of(map, "s") == "-");
  CHECK(map.committed().at("s").statement->text == "one");
  map.confirm_front();
  CHECK(map.committed().empty());
  map.confirm_front();
  CHECK(map.committed().at("s").statement->text == "two");
  map.drop_front();
  CHECK(text_of(map, "s") == "two");
}

TEST_CASE("the unnamed statement is a name of its own", "[statement_map]") {
  StatementMap map;
  map.begin_put("", statement("one"));
  CHECK(text_of(map, "") == "one");
  map.confirm_front();
  CHECK(text_of(map, "") == "one");
  CHECK(map.committed().empty());
  map.clear_named();
  CHECK(text_of(map, "") == "one");
  map.erase("");
  CHECK(text_of(map, "") == "-");
}

TEST_CASE("X22 a refused unnamed Parse destroys the one before it, a skipped one does not",
          "[statement_map]") {
  StatementMap map;
  map.begin_put("", statement("one"));
  map.confirm_front();
  map.begin_put("", statement("skipped"));
  map.drop_front();
  CHECK(text_of(map, "") == "one");
  map.begin_put("", statement("refused"));
  map.fail_front();
  CHECK(text_of(map, "") == "-");
}

TEST_CASE("X21 a Query destroys the unnamed statement, a skipped Query does not", "[statement_map]") {
  StatementMap map;
  map.begin_put("", statement("one"));
  map.confirm_front();
  map.begin_erase("");
  CHECK(text_of(map, "") == "-");
  map.drop_front();
  CHECK(text_of(map, "") == "one");
  map.begin_erase("");
  map.confirm_front();
  CHECK(text_of(map, "") == "-");
}

TEST_CASE("E01 names are the same up to 63 bytes", "[statement_map]") {
  StatementMap map;
  const std::string prefix(63, 'n');
  map.begin_put(prefix + "abc", statement("one"));
  CHECK(text_of(map, prefix + "xyz") == "one");
  map.confirm_front();
  CHECK(text_of(map, prefix) == "one");
  CHECK(text_of(map, prefix.substr(1)) == "-");
  CHECK(map.committed().begin()->first == prefix);
  map.begin_erase(prefix + "!");
  map.confirm_front();
  CHECK(text_of(map, prefix) == "-");
  map.begin_put(prefix, statement("two"));
  map.confirm_front();
  map.erase(prefix + "?");
  CHECK(map.committed().empty());
}

TEST_CASE("X17 SQL that drops names, one or all", "[statement_map]") {
  StatementMap map;
  for (const char* name : {"a", "b", "c"}) {
    map.begin_put(name, statement(name));
    map.confirm_front();
  }
  map.erase("b");
  map.erase("none");
  CHECK(map.committed().size() == 2);
  map.begin_put("d", statement("behind it"));
  map.clear_named();
  CHECK(text_of(map, "a") == "-");
  CHECK(text_of(map, "d") == "behind it");
  map.confirm_front();
  CHECK(map.committed().size() == 1);
}

TEST_CASE("what a batch has done to names is taken back, each name as it was at first", "[statement_map]") {
  StatementMap map;
  for (const char* name : {"", "closed", "changed"}) {
    map.begin_put(name, statement("old"));
    map.confirm_front();
  }
  map.mark_described("changed");
  std::vector<StatementMap::Earlier> earlier;
  for (const char* text : {"new", "newer"}) {
    for (const char* name : {"closed", "changed", ""}) map.begin_erase(name);
    for (const char* name : {"changed", "made", ""}) map.begin_put(name, statement(text));
    while (map.has_pending()) map.confirm_front(&earlier);
  }
  CHECK(text_of(map, "closed") == "-");
  for (const char* name : {"changed", "made", ""}) CHECK(text_of(map, name) == "newer");
  map.restore(earlier);
  for (const char* name : {"closed", "changed", ""}) CHECK(text_of(map, name) == "old");
  CHECK(map.is_described("changed"));
  CHECK(map.committed().size() == 2);
  CHECK(earlier.empty());
}

TEST_CASE("the client's name for a statement, of several the one that is meant", "[statement_map]") {
  StatementMap map;
  const StatementRef one = statement("one");
  for (const char* name : {"a", "b", "c"}) {
    map.begin_put(name, one);
    if (*name != 'c') map.confirm_front();
  }
  for (const char* name : {"a", "b", "c"}) CHECK(map.name_of(one, StatementMap::hash_of(name)) == name);
  CHECK_FALSE(map.name_of(one).empty());
  CHECK(map.name_of(statement("another")).empty());
}

TEST_CASE("X12 closing an unknown name changes nothing", "[statement_map]") {
  StatementMap map;
  map.begin_erase("nope");
  map.confirm_front();
  CHECK(map.committed().empty());
}

TEST_CASE("a client's names are limited, pending ones included", "[statement_map]") {
  StatementMap map;
  const StatementRef one = statement("one");
  for (std::size_t i = 0; i + 1 < StatementMap::names_max; ++i) {
    map.begin_put(std::to_string(i), one);
    if (i % 2 == 0) map.confirm_front();
  }
  CHECK_FALSE(map.full());
  map.begin_put("last", one);
  CHECK(map.full());
}

}  // namespace
}  // namespace pgweir

TEST_CASE("what an unanswered message of an earlier batch has named is undecided", "[statement_map]") {
  StatementMap map;
  map.begin_put("s", statement("one"), 1);
  CHECK_FALSE(map.is_undecided("s", 1));
  CHECK(map.is_undecided("s", 2));
  CHECK_FALSE(map.is_undecided("t", 2));
  map.begin_erase("s", 2);
  CHECK_FALSE(map.is_undecided("s", 2));
  map.drop_front();
  map.drop_front();
  CHECK_FALSE(map.is_undecided("s", 3));
}
