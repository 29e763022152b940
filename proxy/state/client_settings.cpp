#include "proxy/state/client_settings.hpp"

#include <algorithm>
#include <array>

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

}  // namespace

void ClientSettings::use_view(MapRef parameters) {
  if (view == parameters) return;
  view = std::move(parameters);
  const std::string_view encoding = value_of(*view, "client_encoding");
  opaque_backslashes = value_of(*view, "standard_conforming_strings") == "off";
  opaque_characters =
      std::find(opaque_encodings.begin(), opaque_encodings.end(), encoding) != opaque_encodings.end();
}

bool ClientSettings::is_opaque(std::string_view text) const {
  return (opaque_characters && !is_ascii(text)) ||
         (opaque_backslashes && text.find('\\') != std::string_view::npos);
}

std::size_t ClientSettings::characters(std::string_view text) const {
  if (!writes_utf8()) return text.size();
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

bool ClientSettings::writes_utf8() const {
  return value_of(*view, "client_encoding") == "UTF8";
}

TextRules ClientSettings::text_rules() const {
  const bool utf8 = writes_utf8();
  return {utf8, utf8 && value_of(*view, "server_encoding") == "UTF8"};
}

std::string ClientSettings::application_name() const {
  return std::string(value_of(*view, "application_name"));
}

}  // namespace pgweir
