#include "protocol/frontend.hpp"

#include <algorithm>

#include "protocol/message.hpp"

namespace pgweir {
namespace {

char type_of(FrontendType t) {
  return static_cast<char>(t);
}

void write_target(ByteBuffer& out, FrontendType type, char kind, std::string_view name) {
  Writer(out).begin_message(type_of(type)).u8(static_cast<std::uint8_t>(kind)).cstring(name).end_message();
}

}  // namespace

Errc parse_query(ByteView body, QueryView& out) {
  Reader r(body);
  if (Errc e = r.cstring(out.text); e != Errc::ok) return e;
  return r.end();
}

Errc parse_parse(ByteView body, ParseView& out) {
  Reader r(body);
  if (Errc e = r.cstring(out.name); e != Errc::ok) return e;
  if (Errc e = r.cstring(out.text); e != Errc::ok) return e;
  out.parameter_types = r.rest();
  std::uint16_t count = 0;
  if (Errc e = r.u16(count); e != Errc::ok) return e;
  if (Errc e = r.skip(std::size_t{count} * 4); e != Errc::ok) return e;
  return r.end();
}

Errc parse_bind(ByteView body, BindView& out) {
  Reader r(body);
  if (Errc e = r.cstring(out.portal); e != Errc::ok) return e;
  if (Errc e = r.cstring(out.statement); e != Errc::ok) return e;
  out.rest = r.rest();
  return Errc::ok;
}

Errc parse_target(ByteView body, TargetView& out) {
  Reader r(body);
  std::uint8_t kind = 0;
  if (Errc e = r.u8(kind); e != Errc::ok) return e;
  out.kind = static_cast<char>(kind);
  if (Errc e = r.cstring(out.name); e != Errc::ok) return e;
  return r.end();
}

BindValues::BindValues(ByteView rest) : reader_(rest) {
  std::uint16_t formats = 0;
  ByteView skipped;
  const bool understood = reader_.u16(formats) == Errc::ok &&
                          reader_.bytes(std::size_t{2} * formats, skipped) == Errc::ok &&
                          reader_.u16(left_) == Errc::ok;
  if (!understood) left_ = 0;
}

bool BindValues::next(std::string_view& value) {
  while (left_ > 0) {
    --left_;
    std::uint32_t size = 0;
    if (reader_.u32(size) != Errc::ok) break;
    if (size == 0xffff'ffff) continue;  // null
    ByteView bytes;
    if (reader_.bytes(size, bytes) != Errc::ok) break;
    value = as_text(bytes);
    return true;
  }
  left_ = 0;
  return false;
}

Errc parse_execute(ByteView body, ExecuteView& out) {
  Reader r(body);
  if (Errc e = r.cstring(out.portal); e != Errc::ok) return e;
  if (Errc e = r.u32(out.row_limit); e != Errc::ok) return e;
  return r.end();
}

void write_query(ByteBuffer& out, std::string_view text) {
  Writer(out).begin_message(type_of(FrontendType::Query)).cstring(text).end_message();
}

void write_parse(ByteBuffer& out, std::string_view name, std::string_view text, ByteView parameter_types) {
  Writer(out)
      .begin_message(type_of(FrontendType::Parse))
      .cstring(name)
      .cstring(text)
      .raw(parameter_types)
      .end_message();
}

void write_bind_head(ByteBuffer& out, std::string_view portal, std::string_view statement,
                     std::size_t rest_size) {
  const std::size_t head = message_length_size + portal.size() + 1 + statement.size() + 1;
  // Written in place, because this message goes out with most transactions.
  const std::size_t start = out.size();
  out.resize(start + 1 + head);
  Byte* at = out.data() + start;
  *at++ = static_cast<Byte>(FrontendType::Bind);
  store_u32(at, static_cast<std::uint32_t>(head + rest_size));
  at = std::copy(portal.begin(), portal.end(), at + message_length_size);
  *at++ = 0;
  at = std::copy(statement.begin(), statement.end(), at);
  *at = 0;
}

void write_bind(ByteBuffer& out, std::string_view portal, std::string_view statement) {
  Writer w(out);
  w.begin_message(type_of(FrontendType::Bind)).cstring(portal).cstring(statement);
  w.u16(0).u16(0).u16(0).end_message();  // parameter formats, parameters, result formats
}

void write_execute(ByteBuffer& out, std::string_view portal) {
  Writer(out).begin_message(type_of(FrontendType::Execute)).cstring(portal).u32(0).end_message();
}

void write_describe_statement(ByteBuffer& out, std::string_view name) {
  write_target(out, FrontendType::Describe, 'S', name);
}
void write_close_statement(ByteBuffer& out, std::string_view name) {
  write_target(out, FrontendType::Close, 'S', name);
}
void write_close_portal(ByteBuffer& out, std::string_view name) {
  write_target(out, FrontendType::Close, 'P', name);
}
void write_sync(ByteBuffer& out) {
  Writer(out).begin_message(type_of(FrontendType::Sync)).end_message();
}
void write_flush(ByteBuffer& out) {
  Writer(out).begin_message(type_of(FrontendType::Flush)).end_message();
}

void write_copy_fail(ByteBuffer& out, std::string_view reason) {
  Writer(out).begin_message(type_of(FrontendType::CopyFail)).cstring(reason).end_message();
}

namespace {

// Moves to the result formats of a Bind. False: the message is not whole.
bool find_result_formats(Reader& reader, std::uint16_t& count) {
  constexpr std::uint32_t null_size = 0xffffffff;
  if (reader.u16(count) != Errc::ok || reader.skip(count * sizeof(std::uint16_t)) != Errc::ok) return false;
  if (reader.u16(count) != Errc::ok) return false;
  for (std::uint16_t i = 0; i < count; ++i) {
    std::uint32_t size = 0;
    if (reader.u32(size) != Errc::ok || (size != null_size && reader.skip(size) != Errc::ok)) return false;
  }
  return reader.u16(count) == Errc::ok;
}

}  // namespace

bool asks_for_binary(ByteView rest) {
  Reader reader(rest);
  std::uint16_t count = 0;
  if (!find_result_formats(reader, count)) return true;
  for (std::uint16_t i = 0; i < count; ++i) {
    std::uint16_t format = 0;
    if (reader.u16(format) != Errc::ok || format != 0) return true;
  }
  return false;
}

bool counts_columns(ByteView rest) {
  Reader reader(rest);
  std::uint16_t count = 0;
  return !find_result_formats(reader, count) || count > 1;
}

}  // namespace pgweir
