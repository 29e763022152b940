#include <catch2/catch.hpp>

#include "protocol/frontend.hpp"

using namespace pgweir;

TEST_CASE("a Bind tells whether it asks for binary rows, cut anywhere it may") {
  const auto bind = [](std::initializer_list<std::uint16_t> results) {
    ByteBuffer out;
    Writer writer(out);
    writer.u16(1).u16(1).u16(2).u32(0xffffffff).u32(3).text("abc");
    writer.u16(static_cast<std::uint16_t>(results.size()));
    for (const std::uint16_t format : results) writer.u16(format);
    return out;
  };
  CHECK_FALSE(asks_for_binary(bind({})));
  CHECK_FALSE(asks_for_binary(bind({0, 0})));
  CHECK(asks_for_binary(bind({0, 1})));
  CHECK_FALSE(counts_columns(bind({})));
  CHECK_FALSE(counts_columns(bind({1})));
  CHECK(counts_columns(bind({0, 0})));
  const ByteBuffer whole = bind({0, 0});
  for (std::size_t size = 0; size < whole.size(); ++size) CHECK(asks_for_binary(ByteView(whole).first(size)));
  for (std::size_t size = 0; size < whole.size(); ++size) CHECK(counts_columns(ByteView(whole).first(size)));
}
