#include "tests/simulation/model/types.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

#include "protocol/bytes.hpp"
#include "protocol/sql_tokenizer.hpp"
#include "tests/simulation/model/sql_error.hpp"

namespace pgweir::simulation {
namespace {

struct TypeRow {
  Oid oid;
  std::int16_t size;
  std::string_view name;
  std::string_view short_name;
};
constexpr TypeRow types[] = {
    {type::unknown, -2, "unknown", "unknown"}, {type::boolean, 1, "boolean", "bool"},
    {type::bytea, -1, "bytea", "bytea"},       {type::name, 64, "name", "name"},
    {type::int8, 8, "bigint", "int8"},         {type::int4, 4, "integer", "int4"},
    {type::text, -1, "text", "text"},          {type::float8, 8, "double precision", "float8"},
    {type::text_array, -1, "text[]", "_text"}, {type::void_, 4, "void", "void"},
};

const TypeRow& row_of(Oid oid) {
  for (const TypeRow& row : types) {
    if (row.oid == oid) return row;
  }
  not_understood("type " + std::to_string(oid));
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_sql_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_sql_space(text.back())) text.remove_suffix(1);
  return text;
}

[[noreturn]] void bad_input(Oid type, std::string_view text, std::size_t position) {
  std::string message = "invalid input syntax for type ";
  fail("22P02", message.append(name_of_type(type)).append(": \"").append(text) + '"', position);
}

std::string read_integer(Oid type, std::string_view text, std::size_t position) {
  std::string_view digits = trim(text);
  if (digits.starts_with('+')) digits.remove_prefix(1);
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  const bool whole = !digits.empty() && end == digits.data() + digits.size();
  if (!whole || error == std::errc::invalid_argument) bad_input(type, text, position);
  const bool fits = type == type::int8 || (number >= std::numeric_limits<std::int32_t>::min() &&
                                           number <= std::numeric_limits<std::int32_t>::max());
  if (error == std::errc::result_out_of_range || !fits) {
    fail("22003",
         "value \"" + std::string(text) + "\" is out of range for type " + std::string(name_of_type(type)),
         position);
  }
  return std::to_string(number);
}

std::string read_boolean(std::string_view text, std::size_t position) {
  const std::string word = ascii_lower(trim(text));
  for (const std::string_view yes : {"true", "yes", "on", "1"}) {
    if (!word.empty() && yes.starts_with(word) && word != "o") return "t";
  }
  for (const std::string_view no : {"false", "no", "off", "0"}) {
    if (!word.empty() && no.starts_with(word) && word != "o") return "f";
  }
  bad_input(type::boolean, text, position);
}

std::string big_endian(std::uint64_t number, int size) {
  std::string bytes;
  for (int shift = (size - 1) * 8; shift >= 0; shift -= 8) bytes += static_cast<char>(number >> shift & 0xff);
  return bytes;
}

}  // namespace

void not_understood(std::string_view text) {
  fail("XX000", "model does not understand: " + std::string(text));
}

std::int16_t size_of_type(Oid type) {
  return row_of(type).size;
}

std::string_view name_of_type(Oid type) {
  return row_of(type).name;
}

std::string_view short_name_of_type(Oid type) {
  return row_of(type).short_name;
}

std::optional<Oid> type_named(std::string_view name) {
  if (name == "int") return type::int4;
  for (const TypeRow& row : types) {
    if (row.oid != type::unknown && (row.name == name || row.short_name == name)) return row.oid;
  }
  return std::nullopt;
}

bool is_number(Oid type) {
  return type == type::int4 || type == type::int8 || type == type::float8;
}

std::string read_value(Oid type, std::string_view text, std::size_t position) {
  switch (type) {
    case type::int4:
    case type::int8:
      return read_integer(type, text, position);
    case type::boolean:
      return read_boolean(text, position);
    default:
      return std::string(text);
  }
}

std::string to_binary(Oid type, const std::string& text) {
  switch (type) {
    case type::int4:
      return big_endian(static_cast<std::uint64_t>(std::stoll(text)), 4);
    case type::int8:
      return big_endian(static_cast<std::uint64_t>(std::stoll(text)), 8);
    case type::boolean:
      return std::string(1, text == "t" ? '\1' : '\0');
    case type::text:
    case type::name:
    case type::void_:
      return text;
    default:
      not_understood("binary form of type " + std::string(name_of_type(type)));
  }
}

std::string from_binary(Oid type, std::string_view bytes) {
  if (type == type::text || type == type::name) return std::string(bytes);
  if (type == type::boolean && bytes.size() == 1) return bytes[0] != 0 ? "t" : "f";
  const std::size_t size = type == type::int4 ? 4 : 8;
  if (type != type::int4 && type != type::int8) not_understood("binary parameter");
  if (bytes.size() < size) fail("08P01", "insufficient data left in message");
  std::uint64_t number = 0;
  for (const char c : bytes.substr(0, size)) number = number << 8 | static_cast<unsigned char>(c);
  if (size == 4) return std::to_string(static_cast<std::int32_t>(static_cast<std::uint32_t>(number)));
  return std::to_string(static_cast<std::int64_t>(number));
}

}  // namespace pgweir::simulation
