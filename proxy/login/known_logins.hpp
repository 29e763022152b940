// What a pool has found out about its clients' logins: which ParameterStatus values a fresh backend reports,
// and what becomes of them under a client's startup settings. A login that is known costs no backend.
// Thread rule: any thread.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "proxy/state/settings_map.hpp"

namespace pgweir {

// What a login came to.
struct Greeting {
  MapRef startup;     // the settings that make the session different from a fresh login
  MapRef parameters;  // what the client is told, application_name included
};

class KnownLogins {
 public:
  // The most entries of each of the two kinds. A full table is emptied: it is not worth the effort to tell
  // which are the oldest.
  static constexpr std::size_t entries_max = 1'024;

  explicit KnownLogins(MapRef no_settings) : no_settings_(std::move(no_settings)) {}

  // Changes whenever the table is cleared: what was found out before is not remembered after.
  std::uint64_t epoch() const;

  // What a fresh backend reports, or did before the last forget(); null until there was one. Another baseline
  // makes all else void.
  MapRef baseline() const;
  void use_baseline(const MapRef& parameters);

  // The parameters under these startup settings, without application_name. Both interned; null: not known.
  // `old_will_do`: there is no backend to ask for a newer baseline. The client hears of it with its first
  // statement.
  MapRef parameters(const MapRef& startup, bool old_will_do = false) const;
  void remember(std::uint64_t epoch, const MapRef& startup, const MapRef& parameters);

  // The same for a login as a whole: `settings` are what the client sent, names folded.
  std::optional<Greeting> greeting(const SettingMap& settings) const;
  void remember(std::uint64_t epoch, const SettingMap& settings, const Greeting& greeting);

  // The database's or role's defaults may have changed: the next backend tells the baseline.
  void forget();
  // The server may be another one now.
  void forget_all();

 private:
  void clear();

  const MapRef no_settings_;
  mutable std::mutex mutex_;
  std::uint64_t epoch_ = 0;
  MapRef baseline_;
  bool is_current_ = false;  // false after forget(): the baseline may be an old one
  std::unordered_map<MapRef, MapRef> parameters_;
  std::map<SettingMap, Greeting> greetings_;
};

}  // namespace pgweir
