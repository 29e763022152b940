#include "protocol/backend.hpp"

namespace pgweir {

Errc parse_parameter_status(ByteView body, ParameterStatusView& out) {
  Reader r(body);
  if (Errc e = r.cstring(out.name); e != Errc::ok) return e;
  if (Errc e = r.cstring(out.value); e != Errc::ok) return e;
  return r.end();
}

Errc parse_command_tag(ByteView body, std::string_view& tag) {
  Reader r(body);
  if (Errc e = r.cstring(tag); e != Errc::ok) return e;
  return r.end();
}

Errc parse_ready_for_query(ByteView body, TransactionStatus& out) {
  if (body.size() != 1) return Errc::length_out_of_range;
  const char c = static_cast<char>(body[0]);
  if (!is_transaction_status(c)) return Errc::unknown_message;
  out = static_cast<TransactionStatus>(c);
  return Errc::ok;
}

Errc DataRowReader::next(Column& out) {
  std::uint32_t size = 0;
  if (Errc e = reader_.u32(size); e != Errc::ok) return e;
  out.is_null = size == 0xffffffffU;
  out.value = {};
  if (out.is_null) return Errc::ok;
  return reader_.bytes(size, out.value);
}

}  // namespace pgweir
