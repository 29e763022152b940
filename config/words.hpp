// The words of the YAML file for settings that are one of a few. Pure.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "config/settings.hpp"

namespace pgweir::config {

template <class Enum>
struct Choice {
  std::string_view name;
  Enum value;
};

// The words of an enum of settings.hpp, in its order.
std::span<const Choice<TlsMode>> words(TlsMode);
std::span<const Choice<AuthMethod>> words(AuthMethod);
std::span<const Choice<PoolMode>> words(PoolMode);
std::span<const Choice<StateTracking>> words(StateTracking);
std::span<const Choice<SequenceValues>> words(SequenceValues);
std::span<const Choice<UnknownCode>> words(UnknownCode);
std::span<const Choice<LogFormat>> words(LogFormat);
std::span<const Choice<LogLevel>> words(LogLevel);

}  // namespace pgweir::config
