#include "protocol/sql_times.hpp"

#include <catch2/catch.hpp>

using namespace pgweir;

TEST_CASE("a literal with a digit or a word for a time of now may be a time") {
  for (const char* sql :
       {"select timestamptz '2024-01-01'", "select 'today'::date", "select date 'Tomorrow'", "select 'NOW'",
        "select $$yesterday$$", "select interval '1 day'", "select $a$ 5 $a$", "select E'\\x31'",
        "select U&'\\0031'", "select 'a\\'", "select 'open"}) {
    INFO(sql);
    CHECK(may_have_time(sql));
  }
}

TEST_CASE("numbers, names and other words are none") {
  for (const char* sql :
       {"select * from t1 where a = $1 and b = 22", "select 'active' as \"2024\" -- 'today'",
        "select count(*) /* '1' */ from now", ""}) {
    INFO(sql);
    CHECK_FALSE(may_have_time(sql));
  }
}
