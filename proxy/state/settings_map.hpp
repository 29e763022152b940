// Settings by name, and the set that equal maps share. Pure; the maps are immutable and shared, an Interner may
// be used by any thread.
//
// Three maps of a session (compared by content; equal ones usually are the same object, because they are
// interned):
//   desired      the session's settings that differ from a fresh login of its database and user
//   applied      the same, of the backend as it is now
//   parameters   what the server reports by ParameterStatus; each session remembers what its client heard
//   last
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "protocol/sql_tokenizer.hpp"

namespace pgweir {

// Names are folded to lower case, as PostgreSQL compares them; values are in UTF-8.
using SettingMap = std::map<std::string, std::string, std::less<>>;
// Names as the server spells them, for example "TimeZone".
using ParameterMap = std::map<std::string, std::string, std::less<>>;

// The identity under which a session acts: the settings that RESET ALL leaves as they are.
inline constexpr std::string_view role_setting = "role";
inline constexpr std::string_view authorization_setting = "session_authorization";
// This is not a setting but setseed(): its value cannot be read or restored.
inline constexpr std::string_view seed_setting = "seed";
inline bool is_identity(std::string_view name) {
  return name == role_setting || name == authorization_setting;
}

// Whether this search_path may have the temporary schema in it, however it is written.
inline bool names_temporary(std::string_view search_path) {
  return folded_find(search_path, "pg_temp");
}

// Gives equal maps one address, so that most comparisons are of two pointers.
class Interner {
 public:
  using Ref = std::shared_ptr<const SettingMap>;
  Ref intern(SettingMap map);

 private:
  std::mutex mutex_;
  std::unordered_multimap<std::size_t, std::weak_ptr<const SettingMap>> known_;
  std::size_t sweep_at_ = 64;
};

using MapRef = Interner::Ref;

// Equal by address or by content.
bool same(const MapRef& a, const MapRef& b);

}  // namespace pgweir
