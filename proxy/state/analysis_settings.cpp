#include "proxy/state/analysis_settings.hpp"

#include <algorithm>
#include <array>

namespace pgweir {

bool matters_to_analysis(std::string_view name) {
  // These settings are read by the executor, the transaction or the logger, and by neither the parser nor the
  // planner.
  static constexpr std::array<std::string_view, 22> harmless = {"application_name",
                                                                "client_min_messages",
                                                                "commit_delay",
                                                                "commit_siblings",
                                                                "deadlock_timeout",
                                                                "default_transaction_deferrable",
                                                                "default_transaction_isolation",
                                                                "default_transaction_read_only",
                                                                "idle_in_transaction_session_timeout",
                                                                "idle_session_timeout",
                                                                "lock_timeout",
                                                                "seed",
                                                                "statement_timeout",
                                                                "synchronous_commit",
                                                                "tcp_keepalives_count",
                                                                "tcp_keepalives_idle",
                                                                "tcp_keepalives_interval",
                                                                "tcp_user_timeout",
                                                                "track_activities",
                                                                "track_functions",
                                                                "transaction_timeout",
                                                                "zero_damaged_pages"};
  static_assert(std::is_sorted(harmless.begin(), harmless.end()));
  if (name.find('.') != std::string_view::npos || name.starts_with("log_")) return false;
  return !std::binary_search(harmless.begin(), harmless.end(), name);
}

SettingMap analysis_settings(const SettingMap& settings) {
  SettingMap out;
  for (const auto& [name, value] : settings) {
    if (matters_to_analysis(name)) out.emplace_hint(out.end(), name, value);
  }
  return out;
}

bool is_looked_at_again(std::string_view name) {
  return name == "search_path" || name == "row_security";
}

SettingMap plan_settings(const SettingMap& settings) {
  SettingMap out = analysis_settings(settings);
  std::erase_if(out, [](const auto& setting) { return is_looked_at_again(setting.first); });
  return out;
}

namespace {

// Read by the scanner, and by input functions of types, which an analysis calls for literals. Output functions count as
// immutable, so that planning may call them: what those read (bytea_output, extra_float_digits) is not among them.
bool is_of_reading(std::string_view name) {
  static constexpr std::array<std::string_view, 11> settings = {"array_nulls",
                                                                "backslash_quote",
                                                                "client_encoding",
                                                                "datestyle",
                                                                "escape_string_warning",
                                                                "lc_monetary",
                                                                "standard_conforming_strings",
                                                                "timezone",
                                                                "timezone_abbreviations",
                                                                "transform_null_equals",
                                                                "xmloption"};
  static_assert(std::is_sorted(settings.begin(), settings.end()));
  return std::binary_search(settings.begin(), settings.end(), name);
}

SettingMap part_of_reading(const SettingMap& settings, bool is_wanted) {
  SettingMap out = settings;
  std::erase_if(out, [&](const auto& setting) { return is_of_reading(setting.first) != is_wanted; });
  return out;
}

}  // namespace

bool are_read_alike(const SettingMap& one, const SettingMap& other) {
  return part_of_reading(one, true) == part_of_reading(other, true);
}

bool differ_in_reading(const SettingMap& one, const SettingMap& other) {
  return part_of_reading(one, false) == part_of_reading(other, false);
}

}  // namespace pgweir
