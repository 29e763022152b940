// The expected values were observed on PostgreSQL 15 (PGOPTIONS and SHOW).
#include "protocol/startup_options.hpp"

#include "tests/unit/protocol/parser_support.hpp"

using namespace pgweir;

namespace {
using Settings = std::vector<StartupParameter>;
}

TEST_CASE("options are split and read by PostgreSQL's rules") {
  struct Case {
    const char* name;
    std::string options;
    Settings expected;
  };
  const std::vector<Case> cases = {
      {"empty", "", {}},
      {"only white space", " \t\n\v\f\r ", {}},
      {"-c with a space", "-c geqo=off", {{"geqo", "off"}}},
      {"-c without a space", "-cgeqo=off", {{"geqo", "off"}}},
      {"two dashes", "--geqo=off", {{"geqo", "off"}}},
      {"several, and white space of all kinds",
       "\t-c\na=1  --b=2\r-cc=3 ",
       {{"a", "1"}, {"b", "2"}, {"c", "3"}}},
      {"the same name twice: both, in order", "-c a=1 -c a=2", {{"a", "1"}, {"a", "2"}}},
      {"dashes in names become underscores", "-c search-path=x", {{"search_path", "x"}}},
      {"but not in values", "--search-path=x-y", {{"search_path", "x-y"}}},
      {"a prefixed name", "-c my-x.y=1", {{"my_x.y", "1"}}},
      {"an empty value", "-c a=", {{"a", ""}}},
      {"an equals sign in the value", "-c a=b=c", {{"a", "b=c"}}},
      {"an escaped space", "-c search_path=a,\\ b", {{"search_path", "a, b"}}},
      {"an escaped backslash", "-c a=x\\\\y", {{"a", "x\\y"}}},
      {"an escaped ordinary character", "\\-c a=\\b", {{"a", "b"}}},
      {"a backslash at the end is dropped", "-c a=b\\", {{"a", "b"}}},
      {"an escaped space joins -c and its argument", "-c\\ a=b", {{" a", "b"}}},
      {"-c takes any next word", "-c --geqo=off", {{"__geqo", "off"}}},
      {"three dashes", "---geqo=off", {{"_geqo", "off"}}},
      {"a plus sign is not a space: the name is wrong, and PostgreSQL says so", "-c+a=b", {{"+a", "b"}}},
      {"UTF-8 in a value", "-c search_path=\xc3\xa9", {{"search_path", "\xc3\xa9"}}},
  };
  for (const Case& c : cases) {
    INFO(c.name);
    Settings out;
    REQUIRE(parse_startup_options(c.options, out) == Errc::ok);
    CHECK(out == c.expected);
  }
}

TEST_CASE("options that are not settings are refused") {
  const std::vector<std::pair<const char*, std::string>> cases = {
      {"-c at the end", "-c"},
      {"-c without a value", "-c geqo"},
      {"-c without a name", "-c =off"},
      {"two dashes without a value", "--geqo"},
      {"two dashes alone", "--"},
      {"a word", "foo"},
      {"a word after a setting", "-c a=b foo"},
      {"an empty word", "\\"},
      {"an empty word after a setting", "-c a=b \\"},
      {"an empty argument of -c", "-c \\"},
      {"another switch of postgres", "-e"},
      {"a switch with a value", "-S 1024"},
      {"-c hidden in a group of switches", "-sc a=b"},
      {"a single dash", "-"},
  };
  for (const auto& [name, options] : cases) {
    INFO(name);
    Settings out;
    CHECK(parse_startup_options(options, out) == Errc::bad_options);
  }
}

TEST_CASE("N3: options of any length are read whole") {
  const std::string value(9000, 'x');
  Settings out;
  REQUIRE(parse_startup_options("-c a=" + value, out) == Errc::ok);
  CHECK(out == Settings{{"a", value}});
}

TEST_CASE("every truncation of an options string is read or refused within its bytes") {
  const std::string_view whole = "-c a=b\\ c --d-e=f\\\\ -cg=h";
  test::for_each_truncation(as_bytes(whole), [](ByteView cut) {
    Settings out;
    const Errc e = parse_startup_options(as_text(cut), out);
    CHECK((e == Errc::ok || e == Errc::bad_options));
    CHECK(out.size() <= 3);
  });
}
