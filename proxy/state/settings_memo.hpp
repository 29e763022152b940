// Changes of settings that were put together before. The clients of a fleet mostly have one of a few sets of
// settings, so that the backends of a worker change between them again and again. Thread rule: the worker's
// thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "proxy/state/prelude.hpp"
#include "proxy/state/settings_map.hpp"

namespace pgweir {

class SettingsMemo {
 public:
  // The size of each of the two tables. A full table is emptied: what is still in use is soon there again.
  static constexpr std::size_t entries_max = 2048;
  // Sets of settings whose names and values have more bytes than this are not kept.
  static constexpr std::size_t text_max = 4 * 1024;

  explicit SettingsMemo(Interner& interner) : interner_(interner) {}

  // make_prelude(*applied, *desired). Never null.
  std::shared_ptr<const Prelude> prelude(const MapRef& applied, const MapRef& desired);
  // `before` with this value for the parameter. Interned.
  MapRef with(const MapRef& before, std::string_view name, std::string_view value);

  // analysis_settings(*settings). Interned.
  MapRef analysis_settings(const MapRef& settings);

  std::size_t size() const { return preludes_.size() + changes_.size(); }

 private:
  // Maps are compared by their addresses, which stay valid as long as the entry that owns them.
  struct Pair {
    const SettingMap* applied;
    const SettingMap* desired;
    bool operator==(const Pair&) const = default;
  };
  struct Change {
    const SettingMap* before;
    std::string_view name;
    std::string_view value;
    bool operator==(const Change&) const = default;
  };
  struct Hash {
    std::size_t operator()(const Pair& pair) const;
    std::size_t operator()(const Change& change) const;
  };
  struct KnownPrelude {
    MapRef applied;
    MapRef desired;
    std::shared_ptr<const Prelude> prelude;
  };
  struct KnownChange {
    MapRef before;
    MapRef after;  // owns the texts of the key, too
  };

  Interner& interner_;
  std::unordered_map<Pair, KnownPrelude, Hash> preludes_;
  std::unordered_map<Change, KnownChange, Hash> changes_;
  // The last map: most clients of a pool have the same settings.
  MapRef analysed_;
  MapRef analysis_;
};

}  // namespace pgweir
