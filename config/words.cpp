#include "config/words.hpp"

namespace pgweir::config {
namespace {

constexpr std::array<Choice<TlsMode>, 5> tls_modes{{{"disable", TlsMode::disable},
                                                    {"prefer", TlsMode::prefer},
                                                    {"require", TlsMode::require},
                                                    {"verify-ca", TlsMode::verify_ca},
                                                    {"verify-full", TlsMode::verify_full}}};
constexpr std::array<Choice<AuthMethod>, 3> auth_methods{
    {{"scram-sha-256", AuthMethod::scram_sha_256}, {"md5", AuthMethod::md5}, {"trust", AuthMethod::trust}}};
constexpr std::array<Choice<PoolMode>, 2> pool_modes{
    {{"transaction", PoolMode::transaction}, {"session", PoolMode::session}}};
constexpr std::array<Choice<StateTracking>, 2> states{
    {{"tracked", StateTracking::tracked}, {"strict", StateTracking::strict}}};
constexpr std::array<Choice<SequenceValues>, 2> sequence_values{
    {{"learn", SequenceValues::learn}, {"pin", SequenceValues::pin}}};
constexpr std::array<Choice<UnknownCode>, 2> unknown_codes{
    {{"close", UnknownCode::close}, {"trust", UnknownCode::trust}}};
constexpr std::array<Choice<LogFormat>, 2> log_formats{
    {{"text", LogFormat::text}, {"json", LogFormat::json}}};
constexpr std::array<Choice<LogLevel>, 5> log_levels{{{"trace", LogLevel::trace},
                                                      {"debug", LogLevel::debug},
                                                      {"info", LogLevel::info},
                                                      {"warning", LogLevel::warning},
                                                      {"error", LogLevel::error}}};

template <class Enum>
std::string_view word_of(Enum value) {
  for (const Choice<Enum>& choice : words(value)) {
    if (choice.value == value) return choice.name;
  }
  return "?";
}

}  // namespace

std::span<const Choice<TlsMode>> words(TlsMode) {
  return tls_modes;
}
std::span<const Choice<AuthMethod>> words(AuthMethod) {
  return auth_methods;
}
std::span<const Choice<PoolMode>> words(PoolMode) {
  return pool_modes;
}
std::span<const Choice<StateTracking>> words(StateTracking) {
  return states;
}
std::span<const Choice<SequenceValues>> words(SequenceValues) {
  return sequence_values;
}
std::span<const Choice<UnknownCode>> words(UnknownCode) {
  return unknown_codes;
}
std::span<const Choice<LogFormat>> words(LogFormat) {
  return log_formats;
}
std::span<const Choice<LogLevel>> words(LogLevel) {
  return log_levels;
}

std::string_view to_string(TlsMode mode) {
  return word_of(mode);
}
std::string_view to_string(AuthMethod method) {
  return word_of(method);
}
std::string_view to_string(PoolMode mode) {
  return word_of(mode);
}
std::string_view to_string(StateTracking state) {
  return word_of(state);
}
std::string_view to_string(SequenceValues values) {
  return word_of(values);
}
std::string_view to_string(UnknownCode code) {
  return word_of(code);
}
std::string_view to_string(LogFormat format) {
  return word_of(format);
}
std::string_view to_string(LogLevel level) {
  return word_of(level);
}

}  // namespace pgweir::config
