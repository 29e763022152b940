#include "proxy/state/prelude.hpp"

#include <algorithm>
#include <array>

#include "proxy/state/sql_quote.hpp"

namespace pgweir {
namespace {

// The order of changes: the login role's rights come back first, and another role is taken last; the encoding
// changes before anything that is written in it.
constexpr std::string_view client_encoding = "client_encoding";
constexpr std::string_view date_style = "datestyle";

// Settings that any role may change at any time, to any value that was once accepted. Changing others can
// fail: their value names something that may have been dropped, or only some roles may set them (or RESET
// them one by one), or they are fixed once the session has used temporary tables (temp_buffers).
constexpr std::array<std::string_view, 41> settable = {"application_name",
                                                       "array_nulls",
                                                       "backslash_quote",
                                                       "bytea_output",
                                                       "check_function_bodies",
                                                       "client_encoding",
                                                       "client_min_messages",
                                                       "constraint_exclusion",
                                                       "cursor_tuple_fraction",
                                                       "datestyle",
                                                       "default_statistics_target",
                                                       "default_transaction_deferrable",
                                                       "default_transaction_isolation",
                                                       "default_transaction_read_only",
                                                       "effective_cache_size",
                                                       "effective_io_concurrency",
                                                       "escape_string_warning",
                                                       "extra_float_digits",
                                                       "from_collapse_limit",
                                                       "gin_fuzzy_search_limit",
                                                       "hash_mem_multiplier",
                                                       "idle_in_transaction_session_timeout",
                                                       "idle_session_timeout",
                                                       "intervalstyle",
                                                       "join_collapse_limit",
                                                       "lock_timeout",
                                                       "maintenance_work_mem",
                                                       "max_parallel_workers_per_gather",
                                                       "plan_cache_mode",
                                                       "quote_all_identifiers",
                                                       "random_page_cost",
                                                       "row_security",
                                                       "search_path",
                                                       "seq_page_cost",
                                                       "standard_conforming_strings",
                                                       "statement_timeout",
                                                       "synchronous_commit",
                                                       "timezone",
                                                       "transaction_timeout",
                                                       "transform_null_equals",
                                                       "work_mem"};

// Whether changing the setting cannot fail. A custom setting is a text that is not checked.
bool cannot_fail(std::string_view name) {
  return name.find('.') != std::string_view::npos || name == "jit" || name.starts_with("enable_") ||
         std::binary_search(settable.begin(), settable.end(), name);
}

// Whether this is a timeout that could end the prelude: the last client's is in force while the settings
// change. One of a second or more is no danger to statements that take microseconds.
bool is_short_timeout(std::string_view name, std::string_view value) {
  if (name != "statement_timeout" && name != "transaction_timeout") return false;
  constexpr std::string_view digits = "0123456789";
  const std::size_t number = std::min(value.find_first_not_of(digits), value.size());
  const std::string_view unit = value.substr(number);
  if (number == 0 || unit.starts_with('.') || unit == "us") return true;
  const bool in_ms = unit.empty() || unit == "ms";
  return in_ms && number < 4 && value.substr(0, number) != "0";
}

// RESET would cut a custom setting's name at 63 bytes and leave the setting as it is: set_config(), which
// made it, does not. A value of NULL is a RESET.
std::string reset_statement(std::string_view name) {
  if (name == role_setting) return "RESET ROLE;";
  if (name == authorization_setting) return "RESET SESSION AUTHORIZATION;";
  if (name.find('.') == std::string_view::npos) return "RESET " + quote_identifier(name) + ";";
  return "SELECT pg_catalog.set_config(" + text_expression(name) + ",NULL,false);";
}

// PostgreSQL has at most 1,664 results in a SELECT.
constexpr unsigned results_max = 1'000;

class SetConfigList {
 public:
  void add(std::string_view name, std::string_view value) {
    const bool begins = results_++ % results_max == 0;
    if (begins && !sql_.empty()) sql_ += ';';
    sql_ += begins ? "SELECT " : ",";
    sql_ += "pg_catalog.set_config(" + text_expression(name) + "," + text_expression(value) + ",false)";
    // The call's result is the value, for which the client_encoding may have no characters.
    if (!is_ascii(value)) sql_ += " IS NULL";
  }
  std::string take() { return sql_.empty() ? std::string() : std::move(sql_) + ";"; }

 private:
  std::string sql_;
  unsigned results_ = 0;
};

// RESET ALL cannot fail: it needs no privilege. It does not touch the identity.
bool must_reset_all(const SettingMap& applied, const SettingMap& desired) {
  return std::any_of(applied.begin(), applied.end(), [&desired](const auto& entry) {
    return !is_identity(entry.first) && !desired.contains(entry.first) && !cannot_fail(entry.first);
  });
}

// Changes all settings but the identity. The encoding comes before what is written in it.
std::string change_settings(const SettingMap& applied, const SettingMap& desired, bool& must_wait) {
  const bool all = must_reset_all(applied, desired);
  std::string resets = all ? "RESET ALL;" : "";
  SetConfigList encoding;
  SetConfigList settings;
  for (const auto& [name, value] : applied) {
    if (is_short_timeout(name, value)) must_wait = true;
    // A DateStyle that names a style or an order only keeps the last client's other half.
    const bool is_left =
        !desired.contains(name) || (name == date_style && desired.find(name)->second != value);
    if (!all && !is_identity(name) && is_left) resets += reset_statement(name);
  }
  for (const auto& [name, value] : desired) {
    const auto has = applied.find(name);
    if (is_identity(name) || (!all && has != applied.end() && has->second == value)) continue;
    (name == client_encoding ? encoding : settings).add(name, value);
    if (!cannot_fail(name)) must_wait = true;
  }
  if (all) return std::move(resets) + encoding.take() + settings.take();
  return encoding.take() + std::move(resets) + settings.take();
}

// SQL that changes from the login role to the one in these settings.
std::string take_identity(const SettingMap& settings) {
  SetConfigList identity;
  for (const std::string_view name : {authorization_setting, role_setting}) {
    if (const auto it = settings.find(name); it != settings.end()) identity.add(name, it->second);
  }
  return identity.take();
}

// SQL that changes from that role back to the login role.
std::string leave_identity(const SettingMap& settings) {
  std::string sql;
  for (const std::string_view name : {role_setting, authorization_setting}) {
    if (settings.contains(name)) sql += reset_statement(name);
  }
  return sql;
}

}  // namespace

std::vector<std::string> short_timeouts(const SettingMap& settings) {
  std::vector<std::string> names;
  for (const auto& [name, value] : settings) {
    if (is_short_timeout(name, value)) names.push_back(name);
  }
  return names;
}

std::string lift_timeouts(const std::vector<std::string>& names) {
  std::string sql;
  for (const std::string& name : names) sql += "SET LOCAL " + name + " TO 0;";
  return sql;
}

Prelude make_prelude(const SettingMap& applied, const SettingMap& desired, const SettingMap& as) {
  Prelude prelude;
  std::string changes = change_settings(applied, desired, prelude.must_wait);
  const std::string wanted = take_identity(desired);
  if (changes.empty() && wanted == take_identity(applied)) return prelude;

  // The login role's rights come back first: it may set what another role may not, also where both maps have
  // that other role.
  prelude.sql = lift_timeouts(short_timeouts(applied)) + leave_identity(applied);
  if (!as.empty()) changes = take_identity(as) + std::move(changes) + leave_identity(as);
  prelude.sql += std::move(changes) + wanted;
  if (!wanted.empty() || !as.empty()) prelude.must_wait = true;
  return prelude;
}

}  // namespace pgweir
