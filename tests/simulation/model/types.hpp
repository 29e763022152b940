// What flows through the model: times, values in PostgreSQL's text form, the types it knows, result columns.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pgweir::simulation {

using Time = std::chrono::steady_clock::time_point;
using Oid = std::uint32_t;

// The text form; nullopt is NULL.
using Value = std::optional<std::string>;
using Row = std::vector<Value>;

// The OIDs of pg_type.
namespace type {
inline constexpr Oid unknown = 705;  // a literal or parameter whose type is not decided yet
inline constexpr Oid boolean = 16;
inline constexpr Oid bytea = 17;
inline constexpr Oid name = 19;
inline constexpr Oid int8 = 20;
inline constexpr Oid int4 = 23;
inline constexpr Oid text = 25;
inline constexpr Oid float8 = 701;
inline constexpr Oid text_array = 1009;
inline constexpr Oid timestamptz = 1184;
inline constexpr Oid void_ = 2278;
}  // namespace type

std::int16_t size_of_type(Oid type);
// As error messages call it: "integer".
std::string_view name_of_type(Oid type);
// As a column that is a cast is called: "int4".
std::string_view short_name_of_type(Oid type);
// The type with this name in SQL, if the model knows it.
std::optional<Oid> type_named(std::string_view name);
bool is_number(Oid type);

// The type's input function: what it stores for `text`. Throws 22P02 or 22003, with `position`.
std::string read_value(Oid type, std::string_view text, std::size_t position = 0);
// To and from the binary form of the protocol. Throws 22P03 where the size is wrong.
std::string to_binary(Oid type, const std::string& text);
std::string from_binary(Oid type, std::string_view bytes);

struct ResultColumn {
  std::string name;
  Oid type = type::text;
  Oid table = 0;
  std::uint16_t attribute = 0;
  bool operator==(const ResultColumn&) const = default;
};
using ResultColumns = std::vector<ResultColumn>;

}  // namespace pgweir::simulation
