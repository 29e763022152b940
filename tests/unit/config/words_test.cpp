// The small helpers: durations, suggestions, printable text and key paths.
#include <array>
#include <catch2/catch.hpp>

#include "config/duration.hpp"
#include "config/problem.hpp"
#include "config/suggest.hpp"

using namespace pgweir::config;
using namespace std::chrono_literals;

TEST_CASE("durations are a whole number and a unit") {
  CHECK(parse_duration("250ms").value == 250ms);
  CHECK(parse_duration("30s").value == 30s);
  CHECK(parse_duration("10m").value == 10min);
  CHECK(parse_duration("1h").value == 1h);
  CHECK(parse_duration("0s").value == 0s);
  CHECK(parse_duration("8760h").value == duration_max);
  for (const char* text : {"", "s", "0", "30", "-1s", "-1", "+1s", "1.5s", "1,5s", "1 s", " 1s", "1s ", "1S",
                           "1d", "1h30m", "0x1s", "8761h", "99999999999999999999s", "9223372036854775807h"}) {
    INFO(text);
    const DurationResult result = parse_duration(text);
    CHECK_FALSE(result.value.has_value());
    CHECK_FALSE(result.error.empty());
  }
}

TEST_CASE("durations print in the largest unit that is exact, and read back") {
  for (const char* text : {"0s", "1ms", "1500ms", "90s", "2m", "90m", "1h", "25h"}) {
    CHECK(to_string(*parse_duration(text).value) == text);
  }
}

TEST_CASE("the edit distance counts a swap of neighbours once") {
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("port", "prot") == 1);
  CHECK(edit_distance("host", "hots") == 1);
  CHECK(edit_distance("max_size", "maxsize") == 1);
  CHECK(edit_distance("kitten", "sitting") == 3);
}

TEST_CASE("suggestions are close or not made") {
  constexpr std::array<std::string_view, 3> known{"host", "port", "max_prepared_statements"};
  CHECK(suggest("prot", known) == "port");
  CHECK(suggest("max_prepared_statement", known) == "max_prepared_statements");
  CHECK(suggest("colour", known).empty());
  CHECK(suggest("", known).empty());
  CHECK(suggest(std::string(1000, 'p'), known).empty());
}

TEST_CASE("text from the file is made printable") {
  CHECK(printable("plain é") == "plain é");
  CHECK(printable("a\nb\x1b[31m\x7f") == "a\\nb\\x1b[31m\\x7f");
  CHECK(printable("\xc2\x9b") == "\\xc2\\x9b");
  CHECK(printable("a\"b\\") == "a\\\"b\\\\");
  CHECK(printable("12345", 3) == "123...");
  CHECK(printable("ééé", 3) == "é...");  // never half a character
}

TEST_CASE("paths quote what is not a plain word") {
  CHECK(join_path("", "a") == "a");
  CHECK(join_path("databases", "my-app_1") == "databases.my-app_1");
  CHECK(join_path("databases", "*") == "databases.*");
  CHECK(join_path("databases", "a.b") == "databases.\"a.b\"");
  CHECK(join_path("databases", "") == "databases.\"\"");
}

TEST_CASE("a place that is not in the file is that of the section around it") {
  const Locations places{"f", {{"a", {1, 1}}, {"a.b[0]", {3, 4}}}};
  CHECK(places.find("a.b[0]").line == 3);
  CHECK(places.find("a.b[1]").line == 1);
  CHECK(places.find("a.x.y").line == 1);
  CHECK(places.find("z").line == 0);
}
