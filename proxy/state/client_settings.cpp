#include "proxy/state/client_settings.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>

#include "proxy/state/sql_quote.hpp"

namespace pgweir {
namespace {

// PostgreSQL's encodings for clients only (documentation, 24.3): their characters may hold any ASCII byte.
constexpr std::array<std::string_view, 8> opaque_encodings = {
    "BIG5", "GB18030", "GBK", "JOHAB", "SJIS", "UHC", "SHIFT_JIS_2004", "MULE_INTERNAL"};

std::string_view value_of(const SettingMap& map, std::string_view name) {
  const auto it = map.find(name);
  return it == map.end() ? std::string_view{} : std::string_view{it->second};
}

struct TimeUnit {
  std::string_view name;
  double milliseconds;
};
// PostgreSQL's units for settings that are times (documentation, 20.1.1); without one it is milliseconds.
constexpr std::array<TimeUnit, 7> time_units{
    {{"", 1}, {"us", 0.001}, {"ms", 1}, {"s", 1'000}, {"min", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};

std::string_view trim(std::string_view text) {
  constexpr std::string_view blank = " \t\n\v\f\r";
  const std::size_t begin = text.find_first_not_of(blank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(blank) - begin + 1);
}

// Takes a number from the front of a text, as PostgreSQL reads one: 1.5, 1e3, 0x10, 010.
bool take_number(std::string_view& text, double& number) {
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  std::from_chars_result fraction = std::from_chars(begin, end, number);
  std::int64_t whole = 0;
  const bool hex = text.starts_with("0x") || text.starts_with("0X");
  const std::from_chars_result based = std::from_chars(begin + (hex ? 2 : 0), end, whole, hex ? 16 : 8);
  const bool octal = text.starts_with('0') && based.ptr == fraction.ptr;
  if (based.ec == std::errc() && (hex || octal)) {
    number = static_cast<double>(whole);
    fraction = based;
  }
  if (fraction.ec != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(fraction.ptr - begin));
  return true;
}

}  // namespace

std::chrono::milliseconds idle_timeout_in(const SettingMap& settings) {
  std::string_view text = trim(value_of(settings, idle_timeout_setting));
  if (text.starts_with('+')) text.remove_prefix(1);
  double number = 0;
  if (text.empty() || !take_number(text, number)) return {};
  const std::string_view unit = trim(text);
  for (const TimeUnit& known : time_units) {
    if (known.name != unit) continue;
    const double time = std::rint(number * known.milliseconds);
    const bool fits = time > 0 && time <= 2'147'483'647;
    return std::chrono::milliseconds(fits ? static_cast<std::int64_t>(time) : 0);
  }
  return {};
}

void ClientSettings::use_view(MapRef parameters) {
  if (view == parameters) return;
  view = std::move(parameters);
  const std::string_view encoding = value_of(*view, "client_encoding");
  opaque_backslashes = value_of(*view, "standard_conforming_strings") == "off";
  text_rules.utf8 = encoding == "UTF8";
  text_rules.utf8_names = text_rules.utf8 && value_of(*view, "server_encoding") == "UTF8";
  opaque_characters =
      std::find(opaque_encodings.begin(), opaque_encodings.end(), encoding) != opaque_encodings.end();
}

bool ClientSettings::is_opaque(std::string_view text) const {
  return (opaque_characters && !is_ascii(text)) ||
         (opaque_backslashes && text.find('\\') != std::string_view::npos);
}

std::size_t ClientSettings::characters(std::string_view text) const {
  if (!text_rules.utf8) return text.size();
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string ClientSettings::application_name() const {
  return std::string(value_of(*view, "application_name"));
}

}  // namespace pgweir
