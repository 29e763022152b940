#include "proxy/session_state.hpp"

#include <algorithm>
#include <array>

namespace pgweir {
namespace {

// The order in which they have to change: rights first on the way back, last on the way there; the encoding
// before anything that is written in it.
constexpr std::string_view client_encoding = "client_encoding";

// Settings that anyone may change at any time, to any value that was once accepted. The others can fail:
// their value names something that may have been dropped, or only some role may set them (or RESET them one
// by one), or not any more in a session that has used temporary tables (temp_buffers).
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

// Whether changing it cannot fail. A custom setting is a text that nobody checks.
bool cannot_fail(std::string_view name) {
  return name.find('.') != std::string_view::npos || name == "jit" || name.starts_with("enable_") ||
         std::binary_search(settable.begin(), settable.end(), name);
}

// A timeout of the last client's that is in force while the settings change. Those of a second or more are no
// danger to statements that take microseconds.
bool is_short_timeout(std::string_view name, std::string_view value) {
  if (name != "statement_timeout" && name != "transaction_timeout") return false;
  constexpr std::string_view digits = "0123456789";
  const std::size_t number = std::min(value.find_first_not_of(digits), value.size());
  const std::string_view unit = value.substr(number);
  if (number == 0 || unit.starts_with('.') || unit == "us") return true;
  const bool in_ms = unit.empty() || unit == "ms";
  return in_ms && number < 4 && value.substr(0, number) != "0";
}

bool is_identity(std::string_view name) {
  return name == role_setting || name == authorization_setting;
}

std::size_t hash_of(const SettingMap& map) {
  std::size_t h = map.size();
  const std::hash<std::string_view> hash;
  for (const auto& [name, value] : map) {
    h = h * 1099511628211U ^ hash(name);
    h = h * 1099511628211U ^ hash(value);
  }
  return h;
}

// RESET would cut a custom setting's name at 63 bytes and leave the setting as it is: set_config(), which
// made it, does not. A value of NULL is a RESET.
std::string reset_statement(std::string_view name) {
  if (name == role_setting) return "RESET ROLE;";
  if (name == authorization_setting) return "RESET SESSION AUTHORIZATION;";
  if (name.find('.') == std::string_view::npos) return "RESET " + quote_identifier(name) + ";";
  return "SELECT pg_catalog.set_config(" + text_expression(name) + ",NULL,false);";
}

// As far as text in another encoding hardly ever passes for it.
bool is_utf8(std::string_view text) {
  std::size_t follow = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool continues = (byte & 0xC0) == 0x80;
    if (continues != (follow > 0)) return false;
    if (continues) {
      --follow;
    } else if (byte >= 0x80) {
      if (byte < 0xC2 || byte > 0xF4) return false;
      follow = byte >= 0xF0 ? 3 : byte >= 0xE0 ? 2 : 1;
    }
  }
  return follow == 0;
}

class SetConfigList {
 public:
  void add(std::string_view name, std::string_view value) {
    sql_ += sql_.empty() ? "SELECT " : ",";
    sql_ += "pg_catalog.set_config(" + text_expression(name) + "," + text_expression(value) + ",false)";
    // Its result is the value, which the client_encoding may have no characters for.
    if (!is_ascii(value)) sql_ += " IS NULL";
  }
  std::string take() { return sql_.empty() ? std::string() : std::move(sql_) + ";"; }

 private:
  std::string sql_;
};

// RESET ALL leaves nothing to fail: it asks for no right. It does not touch the identity.
bool must_reset_all(const SettingMap& applied, const SettingMap& desired) {
  return std::any_of(applied.begin(), applied.end(), [&desired](const auto& entry) {
    return !is_identity(entry.first) && !desired.contains(entry.first) && !cannot_fail(entry.first);
  });
}

// All but the identity. The encoding comes before what is written in it.
std::string change_settings(const SettingMap& applied, const SettingMap& desired, bool& must_wait) {
  const bool all = must_reset_all(applied, desired);
  std::string resets = all ? "RESET ALL;" : "";
  SetConfigList encoding;
  SetConfigList settings;
  for (const auto& [name, value] : applied) {
    if (is_short_timeout(name, value)) must_wait = true;
    if (!all && !is_identity(name) && !desired.contains(name)) resets += reset_statement(name);
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

// From the login role to the one that these settings have.
std::string take_identity(const SettingMap& settings) {
  SetConfigList identity;
  for (const std::string_view name : {authorization_setting, role_setting}) {
    if (const auto it = settings.find(name); it != settings.end()) identity.add(name, it->second);
  }
  return identity.take();
}

// And back.
std::string leave_identity(const SettingMap& settings) {
  std::string sql;
  for (const std::string_view name : {role_setting, authorization_setting}) {
    if (settings.contains(name)) sql += reset_statement(name);
  }
  return sql;
}

}  // namespace

MapRef Interner::intern(SettingMap map) {
  const std::size_t hash = hash_of(map);
  const std::lock_guard lock(mutex_);
  const auto [begin, end] = known_.equal_range(hash);
  for (auto it = begin; it != end; ++it) {
    MapRef known = it->second.lock();
    if (known && *known == map) return known;
  }
  if (known_.size() >= sweep_at_) {
    std::erase_if(known_, [](const auto& entry) { return entry.second.expired(); });
    sweep_at_ = std::max<std::size_t>(64, known_.size() * 2);
  }
  auto made = std::make_shared<const SettingMap>(std::move(map));
  known_.emplace(hash, made);
  return made;
}

bool same(const MapRef& a, const MapRef& b) {
  return a == b || *a == *b;
}

std::string fold(std::string_view name) {
  std::string folded(name);
  for (char& c : folded) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return folded;
}

// Backslashes are ordinary characters in E-less literals only with standard_conforming_strings on; E'' means
// the same in both cases.
std::string quote_literal(std::string_view text) {
  const bool escapes = text.find('\\') != std::string_view::npos;
  std::string quoted = escapes ? "E'" : "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') quoted += c;
    quoted += c;
  }
  return quoted += '\'';
}

std::string quote_identifier(std::string_view name) {
  std::string quoted = "\"";
  for (const char c : name) {
    if (c == '"') quoted += c;
    quoted += c;
  }
  return quoted += '"';
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// The server reads a Query in the client_encoding that it has when the Query arrives, in a prelude that is
// the last client's, and in some encodings (SJIS, BIG5, GBK) a part of a character looks like a backslash. So
// what is not ASCII is spelled in hexadecimal.
std::string text_expression(std::string_view text) {
  if (is_ascii(text)) return quote_literal(text);
  constexpr std::string_view digits = "0123456789abcdef";
  std::string sql = "pg_catalog.convert_from(pg_catalog.decode('";
  for (const char c : text) {
    sql += digits[static_cast<unsigned char>(c) >> 4];
    sql += digits[static_cast<unsigned char>(c) & 15];
  }
  return sql +=
         is_utf8(text) ? "','hex'),'UTF8')" : "','hex'),pg_catalog.current_setting('client_encoding'))";
}

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

  // Rights come back first: the login role may set what another may not, also where both have that other one.
  prelude.sql = lift_timeouts(short_timeouts(applied)) + leave_identity(applied);
  if (!as.empty()) changes = take_identity(as) + std::move(changes) + leave_identity(as);
  prelude.sql += std::move(changes) + wanted;
  if (!wanted.empty() || !as.empty()) prelude.must_wait = true;
  return prelude;
}

}  // namespace pgweir
