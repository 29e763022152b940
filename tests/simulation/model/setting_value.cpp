// The values of settings: what is accepted, and how it is spelled (guc.c).
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "protocol/sql_tokenizer.hpp"
#include "tests/simulation/model/setting_definition.hpp"
#include "tests/simulation/model/sql_error.hpp"

namespace pgweir::simulation {
namespace {

using Kind = SettingDefinition::Kind;
using Unit = SettingDefinition::Unit;

struct UnitRow {
  Unit base;
  std::string_view name;
  double factor;
};
// The largest first.
constexpr UnitRow units[] = {
    {Unit::ms, "d", 86400000},    {Unit::ms, "h", 3600000},
    {Unit::ms, "min", 60000},     {Unit::ms, "s", 1000},
    {Unit::ms, "ms", 1},          {Unit::ms, "us", 0.001},
    {Unit::kb, "TB", 1073741824}, {Unit::kb, "GB", 1048576},
    {Unit::kb, "MB", 1024},       {Unit::kb, "kB", 1},
    {Unit::kb, "B", 1.0 / 1024},  {Unit::blocks, "TB", 134217728},
    {Unit::blocks, "GB", 131072}, {Unit::blocks, "MB", 128},
    {Unit::blocks, "kB", 0.125},  {Unit::blocks, "B", 0.125 / 1024},
};

std::string_view base_name(Unit unit) {
  return unit == Unit::ms ? "ms" : unit == Unit::kb ? "kB" : unit == Unit::blocks ? "8kB" : "";
}

[[noreturn]] void bad_value(const SettingDefinition& setting, std::string_view value, std::string hint = {}) {
  throw SqlError{.code = "22023",
                 .message = "invalid value for parameter \"" + std::string(setting.name) + "\": \"" +
                            std::string(value) + '"',
                 .hint = std::move(hint)};
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_sql_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_sql_space(text.back())) text.remove_suffix(1);
  return text;
}

double factor_of(const SettingDefinition& setting, std::string_view unit, std::string_view value) {
  if (unit.empty()) return 1;
  for (const UnitRow& row : units) {
    if (row.base == setting.unit && row.name == unit) return row.factor;
  }
  if (setting.unit == Unit::none) bad_value(setting, value);
  const bool is_time = setting.unit == Unit::ms;
  bad_value(setting, value,
            is_time ? "Valid units for this parameter are \"us\", \"ms\", \"s\", \"min\", \"h\", and \"d\"."
                    : "Valid units for this parameter are \"B\", \"kB\", \"MB\", \"GB\", and \"TB\".");
}

double number_in(const SettingDefinition& setting, std::string_view value) {
  const std::string text(value);
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  if (end == text.c_str()) bad_value(setting, value);
  return number * factor_of(setting, trimmed(end), value);
}

std::string without_zeros(double number) {
  std::array<char, 32> digits{};
  const auto [end, error] =
      std::to_chars(digits.data(), digits.data() + digits.size(), number, std::chars_format::general, 6);
  return {digits.data(), end};
}

// From 17 on the limits have their unit, too.
void check_range(const SettingDefinition& setting, double number, int version) {
  if (number >= setting.min && number <= setting.max) return;
  const std::string_view base = base_name(setting.unit);
  const std::string unit = base.empty() ? "" : " " + std::string(base);
  const std::string of_limit = version >= 17 ? unit : "";
  const bool up_to_int = setting.max > 2147483646 && setting.kind == Kind::integer;
  fail("22023", without_zeros(number) + unit + " is outside the valid range for parameter \"" +
                    std::string(setting.name) + "\" (" + without_zeros(setting.min) + of_limit + " .. " +
                    (up_to_int ? "2147483647" : without_zeros(setting.max)) + of_limit + ")");
}

std::string canonical_integer(const SettingDefinition& setting, std::string_view value, int version) {
  const double number = std::rint(number_in(setting, value));
  if (std::abs(number) > 2147483647) bad_value(setting, value, "Value exceeds integer range.");
  check_range(setting, number, version);
  return std::to_string(static_cast<long>(number));
}

std::string canonical_boolean(const SettingDefinition& setting, std::string_view value) {
  try {
    // parse_bool() takes no blanks around the word.
    if (trimmed(value) == value) return read_value(type::boolean, value) == "t" ? "on" : "off";
  } catch (const SqlError&) {
  }
  fail("22023", "parameter \"" + std::string(setting.name) + "\" requires a Boolean value");
}

std::string canonical_choice(const SettingDefinition& setting, std::string_view value) {
  std::string hint = "Available values: ";
  std::string_view rest = setting.choices;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(','), rest.size());
    const std::string_view one = rest.substr(0, end);
    if (ascii_lower(value) == one) return std::string(one);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    hint += std::string(one) + (rest.empty() ? "." : ", ");
  }
  bad_value(setting, value, std::move(hint));
}

std::string one_of(const SettingDefinition& setting, std::string_view value,
                   std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    if (ascii_lower(name) == ascii_lower(value)) return std::string(name);
  }
  bad_value(setting, value);
}

std::string canonical_encoding(const SettingDefinition& setting, std::string_view value) {
  if (folded_equals(value, "utf-8")) return "UTF8";
  if (folded_equals(value, "latin-1")) return "LATIN1";
  return one_of(setting, value, {"UTF8", "LATIN1", "SQL_ASCII"});
}

// A list of identifiers: names or quoted names with commas between.
void check_list(const SettingDefinition& setting, std::string_view value) {
  SqlTokenizer tokenizer(value);
  Token token = tokenizer.next();
  if (token.kind == TokenKind::end) return;
  while (true) {
    const bool is_name =
        token.kind == TokenKind::word || (token.kind == TokenKind::quoted_identifier && token.text != "\"\"");
    if (!is_name && token.text != "\"\"") {
      throw SqlError{.code = "22023",
                     .message = "invalid value for parameter \"" + std::string(setting.name) + "\": \"" +
                                std::string(value) + '"',
                     .detail = "List syntax is invalid."};
    }
    if (tokenizer.next().kind != TokenKind::comma) return;
    token = tokenizer.next();
  }
}

std::string canonical_text(const SettingDefinition& setting, std::string_view value) {
  if (setting.name == "client_encoding") return canonical_encoding(setting, value);
  if (setting.name == "TimeZone") {
    return one_of(setting, value,
                  {"UTC", "GMT", "Etc/UTC", "America/New_York", "Europe/Berlin", "Asia/Tokyo"});
  }
  if (setting.name == "search_path") check_list(setting, value);
  return std::string(value);
}

}  // namespace

// Messages have the name as it was given before 18, except those of the settings' own hooks.
std::string canonical_setting(SettingDefinition setting, std::string_view given, std::string_view value,
                              int version) {
  if (setting.kind != Kind::text && version < 18) setting.name = given;
  switch (setting.kind) {
    case Kind::boolean:
      return canonical_boolean(setting, value);
    case Kind::integer:
      return canonical_integer(setting, value, version);
    case Kind::real: {
      const double number = number_in(setting, value);
      check_range(setting, number, version);
      return without_zeros(number);
    }
    case Kind::choice:
      return canonical_choice(setting, value);
    case Kind::text:
      break;
  }
  return canonical_text(setting, value);
}

std::string shown_setting(const SettingDefinition& setting, const std::string& value) {
  if (setting.kind != Kind::integer || setting.unit == Unit::none) return value;
  const double number = std::stod(value);
  if (number <= 0) return value;
  for (const UnitRow& row : units) {
    const double count = number / row.factor;
    if (row.base == setting.unit && std::floor(count) == count)
      return std::to_string(static_cast<long>(count)) + std::string(row.name);
  }
  return value;
}

std::string canonical_date_style(std::string_view value, std::string_view current) {
  std::string style(current.substr(0, current.find(',')));
  std::string order(current.substr(current.find(' ') + 1));
  bool has_order = false;
  std::string_view rest = value;
  while (true) {
    const std::size_t end = std::min(rest.find(','), rest.size());
    const std::string word = ascii_lower(trimmed(rest.substr(0, end)));
    if (word == "iso") {
      style = "ISO";
    } else if (word == "sql") {
      style = "SQL";
    } else if (word.starts_with("postgres")) {
      style = "Postgres";
    } else if (word == "german") {
      style = "German";
      if (!has_order) order = "DMY";
    } else if (word == "mdy" || word == "dmy" || word == "ymd") {
      order = word == "mdy" ? "MDY" : word == "dmy" ? "DMY" : "YMD";
      has_order = true;
    } else {
      throw SqlError{.code = "22023",
                     .message = "invalid value for parameter \"DateStyle\": \"" + std::string(value) + '"',
                     .detail = "Unrecognized key word: \"" + word + "\"."};
    }
    if (end == rest.size()) return style + ", " + order;
    rest.remove_prefix(end + 1);
  }
}

}  // namespace pgweir::simulation
