#include "protocol/statement_shape.hpp"

#include <catch2/catch.hpp>

using namespace pgweir;

namespace {

struct ColumnOf {
  std::string_view name;
  std::uint32_t type;
  std::uint32_t modifier = 0xffffffff;
  std::uint32_t table = 0;
};

ByteBuffer description(std::initializer_list<ColumnOf> columns) {
  ByteBuffer out;
  Writer writer(out);
  writer.u16(static_cast<std::uint16_t>(columns.size()));
  for (const ColumnOf& c : columns)
    writer.cstring(c.name).u32(c.table).u16(1).u32(c.type).u16(4).u32(c.modifier).u16(0);
  return out;
}

ByteBuffer columns_of(std::initializer_list<ColumnOf> columns) {
  ByteBuffer out;
  REQUIRE(read_columns(description(columns), out) == Errc::ok);
  return out;
}

}  // namespace

TEST_CASE("columns differ by name, type and modifier, not by the table that they come from") {
  const ByteBuffer one = columns_of({{"a", 23}, {"b", 25}});
  CHECK(columns_of({{"a", 23, 0xffffffff, 16400}, {"b", 25}}) == one);
  CHECK(columns_of({{"a", 700}, {"b", 25}}) != one);
  CHECK(columns_of({{"b", 23}, {"a", 25}}) != one);
  CHECK(columns_of({{"a", 23}}) != one);
  CHECK(columns_of({{"a", 1043, 14}}) != columns_of({{"a", 1043, 24}}));
  CHECK_FALSE(columns_of({}).empty());
}

TEST_CASE("a description that is cut anywhere is refused") {
  const ByteBuffer whole = description({{"a", 23}, {"long name", 25}});
  ByteBuffer out;
  for (std::size_t size = 0; size < whole.size(); ++size)
    CHECK(read_columns(ByteView(whole).first(size), out) != Errc::ok);
  ByteBuffer longer = whole;
  longer.push_back(0);
  CHECK(read_columns(longer, out) != Errc::ok);
}

TEST_CASE("the first shape that is learned stays") {
  const LearnedShape learned;
  CHECK(learned.get() == nullptr);
  CHECK(learned.learn({{0, 0}, {}}) == StatementShape{{0, 0}, {}});
  CHECK(learned.learn({{0, 1, 0, 0, 0, 23}, {}}) == StatementShape{{0, 0}, {}});
  CHECK(*learned.get() == StatementShape{{0, 0}, {}});
}
