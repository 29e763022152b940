#include "proxy/state/settings_draft.hpp"

#include <algorithm>
#include <array>

#include "protocol/sql_set.hpp"

namespace pgweir {
namespace {

// Settings that every role may set at any time in PostgreSQL 15 to 18, and whose present value stays a
// possible one (it names nothing that may have been dropped). Only for these is it certain that there would
// have been no error.
// clang-format off
constexpr std::array<std::string_view, 45> harmless = {
    "application_name", "array_nulls", "backslash_quote", "bytea_output", "check_function_bodies",
    "client_encoding", "client_min_messages", "constraint_exclusion", "cursor_tuple_fraction", "datestyle",
    "default_statistics_target", "default_transaction_deferrable", "default_transaction_isolation",
    "default_transaction_read_only", "effective_cache_size", "enable_hashjoin", "enable_mergejoin",
    "enable_nestloop", "enable_seqscan", "escape_string_warning", "extra_float_digits",
    "from_collapse_limit", "geqo", "idle_in_transaction_session_timeout", "idle_session_timeout",
    "intervalstyle", "jit", "join_collapse_limit", "lock_timeout", "maintenance_work_mem",
    "max_parallel_workers_per_gather", "plan_cache_mode", "quote_all_identifiers", "random_page_cost",
    "row_security", "search_path", "seq_page_cost", "standard_conforming_strings", "statement_timeout",
    "synchronize_seqscans", "synchronous_commit", "timezone", "work_mem", "xmlbinary", "xmloption"};
// Unquoted values that are not reserved words; those are syntax errors.
constexpr std::array<std::string_view, 15> plain_words = {
    "dmy", "error", "false", "hex", "iso", "iso_8601", "mdy", "notice", "off", "on", "postgres", "true",
    "utc", "utf8", "warning"};
// Settings whose values mean the same in upper and lower case.
constexpr std::array<std::string_view, 5> caseless = {
    "client_encoding", "datestyle", "intervalstyle", "standard_conforming_strings", "timezone"};
// clang-format on
static_assert(std::is_sorted(harmless.begin(), harmless.end()));
static_assert(std::is_sorted(plain_words.begin(), plain_words.end()));
static_assert(std::is_sorted(caseless.begin(), caseless.end()));

template <std::size_t size>
bool contains(const std::array<std::string_view, size>& sorted, std::string_view word) {
  return std::binary_search(sorted.begin(), sorted.end(), word);
}

// PostgreSQL regards only the letters and digits of an encoding's name, in either case.
std::string clean_encoding(std::string_view name) {
  std::string clean = ascii_lower(name);
  std::erase_if(clean, [](char c) { return !((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')); });
  return clean;
}

bool same_value(std::string_view name, std::string_view a, std::string_view b) {
  if (a == b) return true;
  if (!contains(caseless, name)) return false;
  return name == "client_encoding" ? clean_encoding(a) == clean_encoding(b)
                                   : ascii_lower(a) == ascii_lower(b);
}

const std::string* value_in(const SettingMap& map, std::string_view name) {
  const auto it = map.find(name);
  return it == map.end() ? nullptr : &it->second;
}

bool differ_at(const SettingMap& a, const SettingMap& b, std::string_view name) {
  const std::string* const in_a = value_in(a, name);
  const std::string* const in_b = value_in(b, name);
  if (in_a == nullptr || in_b == nullptr) return in_a != in_b;
  return *in_a != *in_b;
}

bool names_catalog(std::string_view path) {
  return ascii_lower(path).find("pg_catalog") != std::string::npos;
}

}  // namespace

bool SettingsDraft::take(std::string_view statement) {
  const std::optional<SetStatement> parsed = parse_set(statement);
  if (!parsed || parsed->scope != SetScope::session) return false;
  if (parsed->action == SetAction::reset_all) return reset_all();
  if (is_identity(parsed->name)) return parsed->action != SetAction::set && identity_is_default();
  if (!contains(harmless, parsed->name)) return false;
  if (parsed->action == SetAction::set) return parsed->value && set(parsed->name, *parsed->value);
  return reset(parsed->name);
}

// The new value does not matter here, as long as the server does not report it to the client.
bool SettingsDraft::reset(const std::string& name) {
  if (!differ_at(now(), startup_, name)) return true;
  if (!contains(harmless, name) || reported(name) != nullptr) return false;
  if (const std::string* const first = value_in(startup_, name)) {
    change().insert_or_assign(name, *first);
  } else {
    change().erase(name);
  }
  return true;
}

bool SettingsDraft::reset_all() {
  if (&now() == &startup_) return true;
  SettingMap names = now();
  names.insert(startup_.begin(), startup_.end());
  return std::all_of(names.begin(), names.end(), [this](const auto& setting) {
    return is_identity(setting.first) || reset(setting.first);
  });
}

// A value that was only the default becomes the session's own: a later change of the default does not reach
// it.
bool SettingsDraft::set(const std::string& name, const std::string& value) {
  const std::string* const own = value_in(now(), name);
  if (own != nullptr && same_value(name, *own, value)) return true;
  const ParameterMap::value_type* const told = reported(name);
  if (told == nullptr || !same_value(name, told->second, value)) return false;
  if (own == nullptr) change().insert_or_assign(name, value);
  return true;
}

SettingMap& SettingsDraft::change() {
  if (!changed_) changed_ = desired_;
  return *changed_;
}

const ParameterMap::value_type* SettingsDraft::reported(std::string_view lower) const {
  std::string_view spelled = lower;
  if (lower == "timezone") spelled = "TimeZone";
  if (lower == "datestyle") spelled = "DateStyle";
  if (lower == "intervalstyle") spelled = "IntervalStyle";
  const auto it = view_.find(spelled);
  return it == view_.end() ? nullptr : &*it;
}

const ParameterMap::value_type* SettingsDraft::shown(std::string_view lower) const {
  const bool constant = lower == "integer_datetimes" || lower == "server_encoding";
  const bool own = contains(harmless, lower) && value_in(now(), lower) != nullptr;
  return constant || own ? reported(lower) : nullptr;
}

bool SettingsDraft::identity_is_default() const {
  const auto is_set = [this](std::string_view name) {
    return value_in(startup_, name) != nullptr || value_in(desired_, name) != nullptr;
  };
  return !is_set(role_setting) && !is_set(authorization_setting);
}

bool SettingsDraft::standard_conforming_strings() const {
  const ParameterMap::value_type* const told = reported("standard_conforming_strings");
  return told == nullptr || told->second == "on";
}

bool SettingsDraft::hears_debug_messages() const {
  const std::string* const own = value_in(desired_, "client_min_messages");
  if (own == nullptr) return false;
  const std::string level = ascii_lower(*own);
  return level != "notice" && level != "warning" && level != "error";
}

bool SettingsDraft::searches_catalog_first() const {
  const std::string* const own = value_in(now(), "search_path");
  const ParameterMap::value_type* const told = reported("search_path");
  return (own == nullptr || !names_catalog(*own)) && (told == nullptr || !names_catalog(told->second));
}

// --- Strict SET

namespace {

// A longer identifier is cut, with a notice.
bool is_short_identifier(const Token& token) {
  if (token.kind == TokenKind::word) return token.text.size() <= identifier_size_max;
  return token.kind == TokenKind::quoted_identifier && token.text.size() <= identifier_size_max + 2;
}

// parse_set() knows which words a search_path may hold unquoted.
bool is_value(const Token& token, bool in_path) {
  if (token.kind == TokenKind::string || token.kind == TokenKind::number) return true;
  if (!is_short_identifier(token)) return false;
  return in_path || token.kind == TokenKind::quoted_identifier ||
         contains(plain_words, ascii_lower(token.text));
}

bool skip_values(SqlCursor& cursor, std::string_view name) {
  const bool in_path = name == "search_path";
  const bool is_list = in_path || name == "datestyle";
  do {
    const bool sign =
        cursor.at(TokenKind::op) && (cursor.current().text == "-" || cursor.current().text == "+");
    if (sign) cursor.advance();
    if (sign ? !cursor.at(TokenKind::number) : !is_value(cursor.current(), in_path)) return false;
    cursor.advance();
  } while (is_list && cursor.accept(TokenKind::comma));
  return true;
}

bool skip_assignment(SqlCursor& cursor) {
  std::string name;
  if (!is_short_identifier(cursor.current()) || !identifier_name(cursor.current(), name)) return false;
  cursor.advance();
  const bool equals = cursor.at(TokenKind::op) && cursor.current().text == "=";
  if (!equals && !cursor.at_word("to")) return false;
  cursor.advance();
  return cursor.accept_word("default") || skip_values(cursor, ascii_lower(name));
}

bool skip_session_form(SqlCursor& cursor) {
  if (cursor.accept_word("authorization")) return cursor.accept_word("default");
  if (!cursor.accept_word("characteristics")) return false;
  while (cursor.at(TokenKind::word)) cursor.advance();  // parse_set() leaves no doubt about these
  return true;
}

bool skip_time_zone(SqlCursor& cursor) {
  cursor.advance();
  cursor.advance();
  return cursor.accept(TokenKind::string) || cursor.accept_word("default") || cursor.accept_word("local");
}

}  // namespace

bool skip_strict_set(SqlCursor& cursor) {
  cursor.advance();
  const bool session = cursor.accept_word("session");
  bool understood = false;
  if (session && (cursor.at_word("authorization") || cursor.at_word("characteristics"))) {
    understood = skip_session_form(cursor);
  } else if (cursor.at_word("time") && is_word(cursor.following(), "zone")) {
    understood = skip_time_zone(cursor);
  } else if (cursor.at_word("names") && cursor.following().kind == TokenKind::string) {
    cursor.advance();
    cursor.advance();
    understood = true;
  } else {
    understood = skip_assignment(cursor);
  }
  return understood && cursor.at_statement_end();
}

}  // namespace pgweir
