#include "protocol/sql_set_value.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace pgweir {

namespace {

// Settings whose values are lists of names: PostgreSQL quotes each element (GUC_LIST_QUOTE, which extensions
// cannot use).
constexpr std::array<std::string_view, 5> name_lists = {
    "search_path", "temp_tablespaces", "local_preload_libraries", "session_preload_libraries",
    "shared_preload_libraries"};

// Keywords that PostgreSQL 15 to 18 quote as identifiers. A schema hardly ever has such a name, so they are
// left undecided.
// clang-format off
constexpr std::array<std::string_view, 164> quoted_keywords = {
    "all", "analyse", "analyze", "and", "any", "array", "as", "asc", "asymmetric", "authorization",
    "between", "bigint", "binary", "bit", "boolean", "both", "case", "cast", "char", "character", "check",
    "coalesce", "collate", "collation", "column", "concurrently", "constraint", "create", "cross",
    "current_catalog", "current_date", "current_role", "current_schema", "current_time",
    "current_timestamp", "current_user", "dec", "decimal", "default", "deferrable", "desc", "distinct",
    "do", "else", "end", "except", "exists", "extract", "false", "fetch", "float", "for", "foreign",
    "freeze", "from", "full", "grant", "greatest", "group", "grouping", "having", "ilike", "in",
    "initially", "inner", "inout", "int", "integer", "intersect", "interval", "into", "is", "isnull",
    "join", "json", "json_array", "json_arrayagg", "json_exists", "json_object", "json_objectagg",
    "json_query", "json_scalar", "json_serialize", "json_table", "json_value", "lateral", "leading",
    "least", "left", "like", "limit", "localtime", "localtimestamp", "merge_action", "national", "natural",
    "nchar", "none", "normalize", "not", "notnull", "null", "nullif", "numeric", "offset", "on", "only",
    "or", "order", "out", "outer", "overlaps", "overlay", "placing", "position", "precision", "primary",
    "real", "references", "returning", "right", "row", "select", "session_user", "setof", "similar",
    "smallint", "some", "substring", "symmetric", "system_user", "table", "tablesample", "then", "time",
    "timestamp", "to", "trailing", "treat", "trim", "true", "union", "unique", "user", "using", "values",
    "varchar", "variadic", "verbose", "when", "where", "window", "with", "xmlattributes", "xmlconcat",
    "xmlelement", "xmlexists", "xmlforest", "xmlnamespaces", "xmlparse", "xmlpi", "xmlroot",
    "xmlserialize", "xmltable"
};
// clang-format on
static_assert(std::is_sorted(quoted_keywords.begin(), quoted_keywords.end()));

bool is_name_list(std::string_view name) {
  return std::find(name_lists.begin(), name_lists.end(), name) != name_lists.end();
}

bool needs_no_quotes(std::string_view text) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
  return !text.empty() && !(text.front() >= '0' && text.front() <= '9') &&
         std::all_of(text.begin(), text.end(), plain);
}

// What quote_identifier() does, with quote_all_identifiers off.
bool quote_name(std::string& text) {
  if (std::binary_search(quoted_keywords.begin(), quoted_keywords.end(), text)) return false;
  if (needs_no_quotes(text)) return true;
  std::string quoted = "\"";
  for (char c : text) {
    if (c == '"') quoted.push_back(c);
    quoted.push_back(c);
  }
  text = std::move(quoted);
  text.push_back('"');
  return true;
}

std::size_t skip_digits(std::string_view text, std::size_t at) {
  while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
  return at;
}

// digits [. digits] [e [sign] digits], or . digits, which every PostgreSQL reads alike (no 0x10, no 1_000).
bool is_plain_number(std::string_view text, bool& integer) {
  std::size_t at = skip_digits(text, 0);
  integer = at == text.size();
  if (at < text.size() && text[at] == '.') at = skip_digits(text, at + 1);
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    if (at == text.size()) return false;
    at = skip_digits(text, at);
  }
  return at == text.size();
}

// Integers are printed anew (007 is 7), those above 32 bits and fractions keep their text.
bool number_value(std::string_view text, bool negative, std::string& out) {
  bool integer = false;
  if (!is_plain_number(text, integer)) return false;
  std::int32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (integer && error == std::errc() && end == text.data() + text.size()) {
    out = std::to_string(negative ? -value : value);
    return true;
  }
  out = negative ? "-" : "";
  out += text;
  return true;
}

// The value of a token that needs no sign.
bool token_value(const Token& token, bool is_name, std::string& out) {
  if (token.kind == TokenKind::number) return number_value(token.text, false, out);
  const bool name = token.kind == TokenKind::word || token.kind == TokenKind::quoted_identifier;
  if (!(name ? identifier_name(token, out) : string_value(token, out))) return false;
  return !is_name || quote_name(out);
}

// Reads one element of the list; leaves the cursor after it, or before what it does not understand.
bool read_element(SqlCursor& cursor, bool is_name, std::string& out) {
  const bool negative = cursor.at(TokenKind::op) && cursor.current().text == "-";
  const bool sign = negative || (cursor.at(TokenKind::op) && cursor.current().text == "+");
  if (sign) cursor.advance();
  const Token& token = cursor.current();
  const bool known = sign ? token.kind == TokenKind::number && number_value(token.text, negative, out)
                          : token_value(token, is_name, out);
  if (known) cursor.advance();
  return known;
}

// DateStyle has two parts, and a value with only one keeps the other as it is: the effect is known with both
// only.
bool is_whole_date_style(const std::string& value) {
  const std::string folded = ascii_lower(value);
  const std::size_t comma = folded.find(',');
  if (comma == std::string::npos) return false;
  const std::string_view style = std::string_view(folded).substr(0, comma);
  std::string_view order = std::string_view(folded).substr(comma + 1);
  while (!order.empty() && order.front() == ' ') order.remove_prefix(1);
  const bool has_style = style == "iso" || style == "sql" || style == "postgres" || style == "german";
  return has_style && (order == "ymd" || order == "dmy" || order == "mdy");
}

}  // namespace

bool read_set_value(SqlCursor& cursor, SetStatement& out) {
  if (cursor.at_word("default")) {
    cursor.advance();
    out.action = SetAction::set_default;
    return cursor.finish();
  }
  const bool is_name = is_name_list(out.name);
  std::string value;
  std::string element;
  for (;;) {
    if (!read_element(cursor, is_name, element)) return cursor.skip_statement();
    value += element;
    if (!cursor.accept(TokenKind::comma)) break;
    value += ", ";
  }
  // Something that is not a list follows: TIME ZONE INTERVAL '..', UESCAPE.
  if (!cursor.at_statement_end()) return cursor.skip_statement();
  if (out.name != "datestyle" || is_whole_date_style(value)) out.value = std::move(value);
  return cursor.finish();
}

}  // namespace pgweir
