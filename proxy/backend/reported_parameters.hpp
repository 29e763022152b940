// What a server reports of its settings by ParameterStatus, at the login and after it, and how much of that is
// kept. Thread rule: as the backend.
#pragma once

#include <cstddef>
#include <string_view>

#include "protocol/backend.hpp"
#include "proxy/backend/backend.hpp"
#include "proxy/state/settings_memo.hpp"

namespace pgweir {

// PostgreSQL reports some fifteen. A server that keeps reporting others must neither fill pgweir's memory nor
// take its time: each change copies the map.
inline constexpr std::size_t parameters_max = 256;

// Whether this is one of the parameters that are known, or there is room for one more.
inline bool may_report(const ParameterMap& known, std::string_view name) {
  return known.size() < parameters_max || known.contains(name);
}

// Notes a ParameterStatus of a backend that has logged in. False: it is malformed, or there are too many. The
// backend is to be closed then.
[[nodiscard]] bool take_parameter(Backend& backend, ByteView body, SettingsMemo& memo,
                                  ParameterStatusView& taken);

}  // namespace pgweir
