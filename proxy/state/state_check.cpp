#include "proxy/state/state_check.hpp"
#include "protocol/sql_tokenizer.hpp"
#include "proxy/state/prelude.hpp"
#include "proxy/state/sql_quote.hpp"

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
// Statements that pgweir prepares for its clients are not a reason to pin.
constexpr std::string_view has_sql_prepare =
    "EXISTS(SELECT FROM pg_catalog.pg_prepared_statements WHERE from_sql"
    " AND NOT pg_catalog.starts_with(name,'__pgweir_'))";

// No setting has this name.
constexpr std::string_view statements_name = "=statements";
constexpr std::string_view statements_kept =
    "SELECT '=statements',pg_catalog.string_agg(name OPERATOR(pg_catalog.||)"
    " CASE WHEN from_sql THEN 't' ELSE 'f' END,',' ORDER BY name COLLATE pg_catalog.\"C\")"
    " FROM pg_catalog.pg_prepared_statements WHERE pg_catalog.starts_with(name,'__pgweir_')";

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

// Reading the view of all settings takes a good part of a millisecond, so that only names are looked for in
// it that may be there as the session's own.
bool is_listed(std::string_view name) {
  return name.find('.') == std::string_view::npos && name != "role" && name != "session_authorization";
}

// SQL for the setting's value, or null where it is not the session's own. `name` is an expression, in lower
// case.
std::string listed_value(const std::string& name) {
  return "(SELECT s.setting FROM pg_catalog.pg_settings s WHERE pg_catalog.lower(s.name) "
         "OPERATOR(pg_catalog.=) " +
         name + " AND s.source OPERATOR(pg_catalog.=) 'session')";
}

// SQL for the setting's value, or null where there is no such setting.
std::string any_value(const std::string& name) {
  return "pg_catalog.current_setting(" + name + ",true)";
}

// SQL for rows of (name, value) in ASCII, whatever is in them.
std::string in_ascii(const std::string& rows) {
  return "SELECT CASE WHEN c.other THEN ' ' OPERATOR(pg_catalog.||) " + in_hex("c.name") +
         " ELSE c.name END,CASE WHEN c.other THEN " + in_hex("c.value") +
         " ELSE c.value END FROM (SELECT r.name,r.value,(r.name OPERATOR(pg_catalog.||) r.value)"
         " COLLATE pg_catalog.\"C\" OPERATOR(pg_catalog.~) '[^[:ascii:]]' FROM (" +
         rows + ") r(name,value)) c(name,value,other)";
}

// SQL for rows of (name, value), for an array of names in lower case.
std::string values_of(const std::string& array) {
  return "SELECT n,CASE WHEN pg_catalog.strpos(n,'.') OPERATOR(pg_catalog.>) 0 OR n"
         " OPERATOR(pg_catalog.=) ANY(ARRAY['role','session_authorization']) THEN " +
         any_value("n") + " ELSE " + listed_value("n") + " END FROM pg_catalog.unnest(" + array + ") n";
}

// The most names that are asked for one by one: each is a SELECT, and of thousands the server has not enough stack.
constexpr std::size_t single_names_max = 32;

void add_part(std::string& sql, std::string_view part) {
  if (!sql.empty()) sql += " UNION ALL ";
  sql += part;
}

// Whether a fresh login has this anyway.
bool is_of_login(std::string_view name, std::string_view value, const LoginState& login) {
  return (name == "role" && value == login.role) || (name == "session_authorization" && value == login.user);
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
        // The settings of the running transaction keep that source for ever, and RESET refuses them; so it
        // does seed, whose value cannot be read.
        " AND name OPERATOR(pg_catalog.<>) ALL(ARRAY['transaction_isolation','transaction_read_only',"
        "'transaction_deferrable','seed'" +
            names_of(question.lifted) +
            "])"
            " UNION ALL SELECT 'role',pg_catalog.current_setting('role')"
            " UNION ALL SELECT 'session_authorization',pg_catalog.current_setting('session_authorization')");
  }
  const bool is_long = question.names.size() > single_names_max;
  if (is_long) add_part(sql, values_of(names_array(question.names)));
  for (const std::string& name : question.names) {
    if (is_long) break;
    const std::string quoted = text_expression(name);
    add_part(sql, "SELECT " + quoted + "," + (is_listed(name) ? listed_value(quoted) : any_value(quoted)));
  }
  if (question.statements) add_part(sql, statements_kept);
  for (const PinQuestion& q : pin_questions) {
    if (!question.pins.contains(q.pin)) continue;
    add_part(sql, "SELECT '','" + std::string(text_of(q.pin).name) + "' WHERE " + std::string(q.condition));
  }
  // Their values have to be read first: once lifted, they cannot be seen.
  for (const std::string& name : question.lifted) {
    const std::string quoted = quote_literal(name);
    if (question.settings) before += "SELECT " + quoted + ",pg_catalog.current_setting(" + quoted + ");";
  }
  return before + lift_timeouts(question.lifted) + in_ascii(sql);
}

std::string names_query() {
  return "(pg_catalog.text[]) AS " + in_ascii(values_of("$1"));
}

std::string names_array(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ",") + text_expression(name);
  return "ARRAY[" + list + "]";
}

void take_state_row(std::string_view name, std::string_view value, const LoginState& login,
                    StateAnswer& out) {
  if (name.starts_with(' ')) return take_state_row(of_hex(name.substr(1)), of_hex(value), login, out);
  if (name == statements_name) {
    out.statements = value;
    return;
  }
  if (name.empty()) {
    for (const PinQuestion& q : pin_questions) {
      if (text_of(q.pin).name == value) out.pins.insert(q.pin);
    }
    return;
  }
  if (is_of_login(name, value, login)) return;
  out.settings.insert_or_assign(ascii_lower(name), std::string(value));
}

std::vector<std::string> differing_settings(const SettingMap& believed, const SettingMap& found,
                                            const LoginState& login) {
  std::vector<std::string> names;
  // Numbers may be spelled with another unit, booleans and lists in another way. For those settings only the
  // name counts.
  const auto is_literal = [](std::string_view name) {
    return name == "role" || name == "session_authorization" || name.find('.') != std::string_view::npos;
  };
  for (const auto& [name, value] : believed) {
    const auto it = found.find(name);
    if (it == found.end() && is_of_login(name, value, login)) continue;
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
