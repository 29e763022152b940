// Typed views of the frontend messages that decide something. Each takes a body (without header) and checks
// every length and string; what a view points to lives as long as the body. PostgreSQL documentation,
// chapter 55.7.
#pragma once

#include <array>
#include <string_view>

#include "protocol/bytes.hpp"

namespace pgweir {

struct QueryView {
  std::string_view text;
};
struct ParseView {
  std::string_view name;
  std::string_view text;
  ByteView parameter_types;  // the count and the OIDs, as sent
};
struct BindView {
  std::string_view portal;
  std::string_view statement;
  ByteView rest;  // formats and values, as sent; of a streamed Bind only what has arrived
};
// Iterates the parameter values of a whole Bind, nulls left out. It ends early where the message is
// malformed.
class BindValues {
 public:
  explicit BindValues(ByteView rest);
  [[nodiscard]] bool next(std::string_view& value);

 private:
  Reader reader_;
  std::uint16_t left_ = 0;
};
// Whether a Bind asks for binary results: its client knows the types of the columns. `rest` as in BindView;
// true also if that is not whole.
bool asks_for_binary(ByteView rest);
// Whether it has a format for each column: its client knows how many there are. `rest` and true as above.
bool counts_columns(ByteView rest);
struct TargetView {  // Describe and Close
  char kind = 0;     // 'S' statement, 'P' portal
  std::string_view name;
};
struct ExecuteView {
  std::string_view portal;
  std::uint32_t row_limit = 0;
};

Errc parse_query(ByteView body, QueryView& out);
Errc parse_parse(ByteView body, ParseView& out);
// Works also for the first piece of a streamed Bind: only the two names are looked at.
Errc parse_bind(ByteView body, BindView& out);
Errc parse_target(ByteView body, TargetView& out);
Errc parse_execute(ByteView body, ExecuteView& out);

// PostgreSQL keeps prepared statements under the first 63 bytes of their name (NAMEDATALEN - 1).
constexpr std::size_t identifier_max = 63;
constexpr std::string_view truncate_identifier(std::string_view name) {
  return name.substr(0, identifier_max);
}

// A Parse's parameter_types that leaves them all to the server.
inline constexpr std::array<Byte, 2> no_parameter_types_bytes{};
inline constexpr ByteView no_parameter_types{no_parameter_types_bytes};

// Messages that pgweir makes itself, appended to `out`. Names must not contain NUL.
void write_query(ByteBuffer& out, std::string_view text);
void write_parse(ByteBuffer& out, std::string_view name, std::string_view text, ByteView parameter_types);
// Writes only the part of a Bind up to its names; `rest_size` bytes of the client's own message follow it.
void write_bind_head(ByteBuffer& out, std::string_view portal, std::string_view statement,
                     std::size_t rest_size);
void write_describe_statement(ByteBuffer& out, std::string_view name);
void write_close_statement(ByteBuffer& out, std::string_view name);
void write_close_portal(ByteBuffer& out, std::string_view name);
// Binds without parameters, and with all results as text.
void write_bind(ByteBuffer& out, std::string_view portal, std::string_view statement);
// Executes without a row limit.
void write_execute(ByteBuffer& out, std::string_view portal);
void write_sync(ByteBuffer& out);
void write_flush(ByteBuffer& out);
void write_copy_fail(ByteBuffer& out, std::string_view reason);

}  // namespace pgweir
