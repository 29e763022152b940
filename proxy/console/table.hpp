// An answer of the console, and how it goes to the client. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/bytes.hpp"

namespace pgweir {

// By PostgreSQL's type OIDs (pg_type.dat).
enum class ColumnType : std::uint32_t { int8 = 20, int4 = 23, text = 25, numeric = 1700 };

struct ConsoleColumn {
  std::string_view name;
  ColumnType type = ColumnType::text;
};

using ConsoleCell = std::optional<std::string>;
using ConsoleRow = std::vector<ConsoleCell>;

struct ConsoleTable {
  std::vector<ConsoleColumn> columns;
  std::vector<ConsoleRow> rows;
};

// RowDescription, DataRows, CommandComplete with this tag, ReadyForQuery.
void write_table(ByteBuffer& out, const ConsoleTable& table, std::string_view tag);
// Without rows.
void write_done(ByteBuffer& out, std::string_view tag);
void write_problem(ByteBuffer& out, std::string_view sqlstate, std::string_view message);

}  // namespace pgweir
