#include "proxy/console/table.hpp"

#include "protocol/error_response.hpp"
#include "protocol/message.hpp"
#include "protocol/startup.hpp"

namespace pgweir {
namespace {

constexpr std::uint32_t null_length = 0xffffffff;  // -1
constexpr std::uint32_t no_modifier = 0xffffffff;  // -1

std::uint16_t width_of(ColumnType type) {
  switch (type) {
    case ColumnType::int8:
      return 8;
    case ColumnType::int4:
      return 4;
    case ColumnType::text:
    case ColumnType::numeric:
      break;
  }
  return 0xffff;  // -1: it varies
}

void write_columns(ByteBuffer& out, const std::vector<ConsoleColumn>& columns) {
  Writer writer(out);
  writer.begin_message(static_cast<char>(BackendType::RowDescription));
  writer.u16(static_cast<std::uint16_t>(columns.size()));
  for (const ConsoleColumn& column : columns) {
    writer.cstring(column.name);
    writer.u32(0).u16(0);  // of no table
    writer.u32(static_cast<std::uint32_t>(column.type)).u16(width_of(column.type));
    writer.u32(no_modifier).u16(0);  // as text
  }
  writer.end_message();
}

void write_row(ByteBuffer& out, const ConsoleRow& row) {
  Writer writer(out);
  writer.begin_message(static_cast<char>(BackendType::DataRow)).u16(static_cast<std::uint16_t>(row.size()));
  for (const ConsoleCell& cell : row) {
    writer.u32(cell ? static_cast<std::uint32_t>(cell->size()) : null_length);
    if (cell) writer.text(*cell);
  }
  writer.end_message();
}

void write_ready(ByteBuffer& out) {
  write_ready_for_query(out, static_cast<char>(TransactionStatus::idle));
}

}  // namespace

void write_table(ByteBuffer& out, const ConsoleTable& table, std::string_view tag) {
  write_columns(out, table.columns);
  for (const ConsoleRow& row : table.rows) write_row(out, row);
  write_done(out, tag);
}

void write_done(ByteBuffer& out, std::string_view tag) {
  Writer writer(out);
  if (tag.empty()) {
    writer.begin_message(static_cast<char>(BackendType::EmptyQueryResponse)).end_message();
  } else {
    writer.begin_message(static_cast<char>(BackendType::CommandComplete)).cstring(tag).end_message();
  }
  write_ready(out);
}

void write_problem(ByteBuffer& out, std::string_view sqlstate, std::string_view message) {
  ErrorFields fields;
  fields.code = sqlstate;
  fields.message = message;
  write_error_response(out, fields);
  write_ready(out);
}

}  // namespace pgweir
