// Changes of settings that were put together before. The clients of a fleet mostly have one of a few sets of
// settings, so that the backends of a worker change between them again and again. Thread rule: the worker's
// thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "proxy/state/analysis_settings.hpp"
#include "proxy/state/prelude.hpp"
#include "proxy/state/settings_map.hpp"

namespace pgweir {

class SettingsMemo {
 public:
  // The size of each of the tables. A full table is emptied: what is still in use is soon there again.
  static constexpr std::size_t entries_max = 2048;
  // Sets of settings whose names and values have more bytes than this are not kept.
  static constexpr std::size_t text_max = 4 * 1024;

  explicit SettingsMemo(Interner& interner) : interner_(interner) {}

  // make_prelude(*applied, *desired). Never null.
  std::shared_ptr<const Prelude> prelude(const MapRef& applied, const MapRef& desired);
  // `before` with this value for the parameter. Interned.
  MapRef with(const MapRef& before, std::string_view name, std::string_view value);

  // analysis_settings(*settings), plan_settings(*settings). Interned; the references last until the next call.
  const MapRef& analysis_settings(const MapRef& settings) { return part(analysed_, settings); }
  const MapRef& plan_settings(const MapRef& settings) { return part(planned_, settings); }

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

  // What some settings consist of that matter to somebody.
  struct Parts {
    SettingMap (*take)(const SettingMap&);
    // The last one: most clients of a pool have the same settings.
    MapRef whole{};
    MapRef part{};
    std::unordered_map<const SettingMap*, std::pair<MapRef, MapRef>> known{};  // the two
  };
  const MapRef& part(Parts& parts, const MapRef& whole) {
    return parts.whole == whole ? parts.part : find_part(parts, whole);
  }
  const MapRef& find_part(Parts& parts, const MapRef& whole);

  Interner& interner_;
  std::unordered_map<Pair, KnownPrelude, Hash> preludes_;
  std::unordered_map<Change, KnownChange, Hash> changes_;
  Parts analysed_{&pgweir::analysis_settings};
  Parts planned_{&pgweir::plan_settings};
};

}  // namespace pgweir
