#include "proxy/state_check.hpp"

namespace pgweir {
namespace {

// An object in the temporary schema depends on that schema (2615 is pg_namespace); the index on pg_depend
// makes this a look-up.
constexpr std::string_view has_temporary_object =
    "EXISTS(SELECT FROM pg_catalog.pg_depend WHERE refclassid OPERATOR(pg_catalog.=) 2615"
    " AND refobjid OPERATOR(pg_catalog.=) pg_catalog.pg_my_temp_schema())";
constexpr std::string_view has_advisory_lock =
    "EXISTS(SELECT FROM pg_catalog.pg_locks WHERE locktype OPERATOR(pg_catalog.=) 'advisory'"
    " AND pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid())";
constexpr std::string_view has_holdable_cursor =
    "EXISTS(SELECT FROM pg_catalog.pg_cursors WHERE is_holdable)";
constexpr std::string_view listens = "EXISTS(SELECT FROM pg_catalog.pg_listening_channels())";
// What the proxy prepares for its clients is no reason to stay.
constexpr std::string_view has_sql_prepare =
    "EXISTS(SELECT FROM pg_catalog.pg_prepared_statements WHERE from_sql"
    " AND NOT pg_catalog.starts_with(name,'__pgweir_'))";

struct PinQuestion {
  Pin pin;
  std::string_view condition;
};
constexpr PinQuestion pin_questions[] = {
    {Pin::temporary_object, has_temporary_object}, {Pin::advisory_lock, has_advisory_lock},
    {Pin::holdable_cursor, has_holdable_cursor},   {Pin::listen, listens},
    {Pin::sql_prepare, has_sql_prepare},
};

// A database in SQL_ASCII has bytes of any encoding.
std::string in_hex(std::string_view text) {
  return "pg_catalog.encode(pg_catalog.convert_to(" + std::string(text) +
         ",CASE WHEN pg_catalog.getdatabaseencoding() OPERATOR(pg_catalog.=) 'SQL_ASCII' THEN 'SQL_ASCII'"
         " ELSE 'UTF8' END),'hex')";
}

unsigned digit_value(char c) {
  return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10);
}

std::string of_hex(std::string_view digits) {
  std::string text;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
    text += static_cast<char>(digit_value(digits[i]) << 4 | digit_value(digits[i + 1]));
  }
  return text;
}

std::string names_of(const std::vector<std::string>& settings) {
  std::string list;
  for (const std::string& name : settings) list += ',' + quote_literal(name);
  return list;
}

void add_part(std::string& sql, std::string_view part) {
  if (!sql.empty()) sql += " UNION ALL ";
  sql += part;
}

}  // namespace

std::string state_query(const StateQuestion& question) {
  if (question.empty()) return {};
  std::string sql;
  std::string before;
  if (question.settings) {
    add_part(
        sql,
        "SELECT name,setting FROM pg_catalog.pg_settings WHERE source OPERATOR(pg_catalog.=) 'session'"
        // The running transaction's keep that source for ever, and RESET refuses them; so it does for
        // seed, whose value cannot be read.
        " AND name OPERATOR(pg_catalog.<>) ALL(ARRAY['transaction_isolation','transaction_read_only',"
        "'transaction_deferrable','seed'" +
            names_of(question.lifted) +
            "])"
            " UNION ALL SELECT 'role',pg_catalog.current_setting('role')"
            " UNION ALL SELECT 'session_authorization',pg_catalog.current_setting('session_authorization')");
    for (const std::string& name : question.custom) {
      const std::string quoted = text_expression(name);
      add_part(sql, "SELECT " + quoted + ",pg_catalog.current_setting(" + quoted + ",true)");
    }
  }
  for (const PinQuestion& q : pin_questions) {
    if (!question.pins.contains(q.pin)) continue;
    add_part(sql, "SELECT '','" + std::string(text_of(q.pin).name) + "' WHERE " + std::string(q.condition));
  }
  // What they are otherwise cannot be seen any more.
  for (const std::string& name : question.lifted) {
    const std::string quoted = quote_literal(name);
    if (question.settings) before += "SELECT " + quoted + ",pg_catalog.current_setting(" + quoted + ");";
  }
  return before + lift_timeouts(question.lifted) +
         "SELECT CASE WHEN c.other THEN ' ' OPERATOR(pg_catalog.||) " + in_hex("c.name") +
         " ELSE c.name END,CASE WHEN c.other THEN " + in_hex("c.value") +
         " ELSE c.value END FROM (SELECT r.name,r.value,(r.name OPERATOR(pg_catalog.||) r.value)"
         " COLLATE pg_catalog.\"C\" OPERATOR(pg_catalog.~) '[^[:ascii:]]' FROM (" +
         sql + ") r(name,value)) c(name,value,other)";
}

void take_state_row(std::string_view name, std::string_view value, std::string_view login_user,
                    StateAnswer& out) {
  if (name.starts_with(' ')) {
    return take_state_row(of_hex(name.substr(1)), of_hex(value), login_user, out);
  }
  if (name.empty()) {
    for (const PinQuestion& q : pin_questions) {
      if (text_of(q.pin).name == value) out.pins.insert(q.pin);
    }
    return;
  }
  if (name == "role" && value == "none") return;
  if (name == "session_authorization" && value == login_user) return;
  out.settings.insert_or_assign(fold(name), std::string(value));
}

std::vector<std::string> differing_settings(const SettingMap& believed, const SettingMap& found) {
  std::vector<std::string> names;
  // Numbers may be spelled with another unit, booleans and lists in another way: there the name has to do.
  const auto is_literal = [](std::string_view name) {
    return name == "role" || name == "session_authorization" || name.find('.') != std::string_view::npos;
  };
  for (const auto& [name, value] : believed) {
    const auto it = found.find(name);
    if (it == found.end() && name == "role" && value == "none") continue;
    if (it == found.end() || (is_literal(name) && it->second != value)) names.push_back(name);
  }
  for (const auto& [name, value] : found) {
    // A custom setting that was reset is empty from then on.
    const bool was_reset = value.empty() && name.find('.') != std::string::npos;
    if (!believed.contains(name) && !was_reset) names.push_back(name);
  }
  return names;
}

}  // namespace pgweir
