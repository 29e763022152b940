#include "tests/simulation/model/wire.hpp"

namespace pgweir::simulation {
namespace {

void write_fields(ByteBuffer& out, BackendType type, const SqlError& error) {
  Writer writer(out);
  writer.begin_message(static_cast<char>(type));
  const auto field = [&](char letter, std::string_view text) {
    if (text.empty() && letter != 'M') return;
    writer.u8(static_cast<std::uint8_t>(letter));
    writer.cstring(text);
  };
  field('S', error.severity);
  field('V', error.severity);
  field('C', error.code);
  field('M', error.message);
  field('D', error.detail);
  field('H', error.hint);
  if (error.position != 0) field('P', std::to_string(error.position));
  field('W', error.context);
  field('F', "model.c");
  field('L', "1");
  field('R', error.routine);
  writer.u8(0);
  writer.end_message();
}

}  // namespace

void write_empty(ByteBuffer& out, BackendType type) {
  Writer(out).begin_message(static_cast<char>(type)).end_message();
}

void write_tag(ByteBuffer& out, std::string_view tag) {
  Writer writer(out);
  writer.begin_message(static_cast<char>(BackendType::CommandComplete)).cstring(tag).end_message();
}

void write_error(ByteBuffer& out, const SqlError& error) {
  write_fields(out, BackendType::ErrorResponse, error);
}

void write_notice(ByteBuffer& out, const SqlError& notice) {
  write_fields(out, BackendType::NoticeResponse, notice);
}

std::uint16_t format_of(const Formats& formats, std::size_t column) {
  if (formats.empty()) return 0;
  return formats.size() == 1 ? formats[0] : formats.at(column);
}

void write_row_description(ByteBuffer& out, const ResultColumns& columns, const Formats& formats) {
  Writer writer(out);
  writer.begin_message(static_cast<char>(BackendType::RowDescription));
  writer.u16(static_cast<std::uint16_t>(columns.size()));
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const ResultColumn& column = columns[i];
    writer.cstring(column.name).u32(column.table).u16(column.attribute).u32(column.type);
    writer.u16(static_cast<std::uint16_t>(size_of_type(column.type))).u32(0xffffffff);
    writer.u16(format_of(formats, i));
  }
  writer.end_message();
}

void write_parameter_description(ByteBuffer& out, const std::vector<Oid>& types) {
  Writer writer(out);
  writer.begin_message(static_cast<char>(BackendType::ParameterDescription));
  writer.u16(static_cast<std::uint16_t>(types.size()));
  for (const Oid type : types) writer.u32(type);
  writer.end_message();
}

void write_data_row(ByteBuffer& out, const Row& row, const ResultColumns& columns, const Formats& formats) {
  Writer writer(out);
  writer.begin_message(static_cast<char>(BackendType::DataRow));
  writer.u16(static_cast<std::uint16_t>(row.size()));
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (!row[i]) {
      writer.u32(0xffffffff);
      continue;
    }
    const std::string value = format_of(formats, i) == 1 ? to_binary(columns[i].type, *row[i]) : *row[i];
    writer.u32(static_cast<std::uint32_t>(value.size())).text(value);
  }
  writer.end_message();
}

void write_copy_response(ByteBuffer& out, BackendType type, std::size_t columns) {
  Writer writer(out);
  writer.begin_message(static_cast<char>(type)).u8(0).u16(static_cast<std::uint16_t>(columns));
  for (std::size_t i = 0; i < columns; ++i) writer.u16(0);
  writer.end_message();
}

void write_copy_data(ByteBuffer& out, std::string_view line) {
  Writer(out).begin_message(static_cast<char>(BackendType::CopyData)).text(line).end_message();
}

void write_notification(ByteBuffer& out, std::uint32_t pid, std::string_view channel,
                        std::string_view payload) {
  Writer writer(out);
  writer.begin_message(static_cast<char>(BackendType::NotificationResponse));
  writer.u32(pid).cstring(channel).cstring(payload).end_message();
}

}  // namespace pgweir::simulation
