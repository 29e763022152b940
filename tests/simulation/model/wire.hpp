// The server's messages. Each function appends one.
#pragma once

#include <span>

#include "protocol/bytes.hpp"
#include "protocol/message.hpp"
#include "tests/simulation/model/sql_error.hpp"

namespace pgweir::simulation {

// 0 text, 1 binary; none: all text; one: for all columns.
using Formats = std::vector<std::uint16_t>;

void write_empty(ByteBuffer& out, BackendType type);
void write_tag(ByteBuffer& out, std::string_view tag);
void write_error(ByteBuffer& out, const SqlError& error);
void write_notice(ByteBuffer& out, const SqlError& notice);
void write_row_description(ByteBuffer& out, const ResultColumns& columns, const Formats& formats);
void write_parameter_description(ByteBuffer& out, const std::vector<Oid>& types);
void write_data_row(ByteBuffer& out, const Row& row, const ResultColumns& columns, const Formats& formats);
void write_copy_response(ByteBuffer& out, BackendType type, std::size_t columns);
void write_copy_data(ByteBuffer& out, std::string_view line);
void write_notification(ByteBuffer& out, std::uint32_t pid, std::string_view channel,
                        std::string_view payload);

std::uint16_t format_of(const Formats& formats, std::size_t column);

}  // namespace pgweir::simulation
