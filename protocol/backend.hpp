// Typed views of the backend messages that decide something. PostgreSQL documentation, chapter 55.7.
#pragma once

#include <string_view>

#include "protocol/bytes.hpp"
#include "protocol/message.hpp"

namespace pgweir {

struct ParameterStatusView {
  std::string_view name;
  std::string_view value;
};

Errc parse_parameter_status(ByteView body, ParameterStatusView& out);
Errc parse_command_tag(ByteView body, std::string_view& tag);
Errc parse_ready_for_query(ByteView body, TransactionStatus& out);

// One column of a DataRow; null columns are empty views with is_null set.
struct Column {
  ByteView value;
  bool is_null = false;
};

// Reads the columns of a whole DataRow from left to right.
class DataRowReader {
 public:
  explicit DataRowReader(ByteView body) : reader_(body) {}
  Errc begin(std::uint16_t& columns) { return reader_.u16(columns); }
  Errc next(Column& out);

 private:
  Reader reader_;
};

}  // namespace pgweir
