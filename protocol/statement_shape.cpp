#include "protocol/statement_shape.hpp"

#include <memory>

namespace pgweir {

Errc read_columns(ByteView row_description, ByteBuffer& out) {
  // The table's OID and the column's number in it, between the name and the type; the type's size after it.
  constexpr std::size_t origin_size = 4 + 2;
  constexpr std::size_t type_length_size = 2;
  constexpr std::size_t format_size = 2;
  Reader reader(row_description);
  std::uint16_t count = 0;
  Errc error = reader.u16(count);
  out.clear();
  Writer writer(out);
  writer.u16(count);
  for (std::uint16_t i = 0; i < count && error == Errc::ok; ++i) {
    std::string_view name;
    std::uint32_t type = 0;
    std::uint32_t modifier = 0;
    error = reader.cstring(name);
    if (error == Errc::ok) error = reader.skip(origin_size);
    if (error == Errc::ok) error = reader.u32(type);
    if (error == Errc::ok) error = reader.skip(type_length_size);
    if (error == Errc::ok) error = reader.u32(modifier);
    if (error == Errc::ok) error = reader.skip(format_size);
    writer.cstring(name).u32(type).u32(modifier);
  }
  return error == Errc::ok ? reader.end() : error;
}

const StatementShape& LearnedShape::learn(StatementShape shape) const {
  auto made = std::make_unique<const StatementShape>(std::move(shape));
  const StatementShape* known = nullptr;
  if (shape_.compare_exchange_strong(known, made.get(), std::memory_order_acq_rel)) return *made.release();
  return *known;
}

}  // namespace pgweir
