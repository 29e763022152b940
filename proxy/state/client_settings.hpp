// The settings of one client: what it brought, what it has now, what it was told, and how its texts are to be
// read under them. Owned by a session. Pure.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "protocol/sql_set.hpp"
#include "proxy/state/settings_map.hpp"
#include "proxy/state/settings_steps.hpp"

namespace pgweir {

// After this time the server ends a session that is idle outside of a transaction.
inline constexpr std::string_view idle_timeout_setting = "idle_session_timeout";
// Its value in a session's settings, as the server would read it; 0: there is none, or no such value.
std::chrono::milliseconds idle_timeout_in(const SettingMap& settings);

struct ClientSettings {
  explicit ClientSettings(const MapRef& none) : startup(none), desired(none), view(none) {}

  MapRef startup;        // what the client brought
  MapRef desired;        // what it has now
  MapRef view;           // the parameters that it was told
  MapRef greeting;       // what it was told at its login: its startup settings as the server spells them
  bool greeted = false;  // the client has been told its parameters

  // In the client's client_encoding, a byte below 0x80 may be part of a longer character.
  bool opaque_characters = false;
  // Backslashes escape in every string of the client's texts.
  bool opaque_backslashes = false;

  TextRules text_rules{.utf8 = false, .utf8_names = false};

  // The client knows these parameters now; some decide how its texts are to be read.
  void use_view(MapRef parameters);
  // Whether it is uncertain where the strings and names in this text of the client's end.
  bool is_opaque(std::string_view text) const;
  // As positions of errors count them. In other encodings than UTF-8 each byte is taken for one.
  std::size_t characters(std::string_view text) const;
  // The client's application_name, as it was told.
  std::string application_name() const;
  // Whether unqualified names may be created in the temporary schema.
  bool creates_temporary() const {
    const auto path = desired->find("search_path");
    return path != desired->end() && names_temporary(path->second);
  }
};

}  // namespace pgweir
