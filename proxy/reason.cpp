#include "proxy/reason.hpp"

#include <array>

#include "protocol/error_response.hpp"

namespace pgweir {
namespace {

constexpr std::string_view silent;

// In the order of the enum.
constexpr std::array<ReasonText, reason_count> texts = {{
    {"terminated", silent, "", ""},
    {"client_closed", silent, "", ""},
    {"client_lost", silent, "", ""},
    {"cancel_request", silent, "", ""},
    {"login_timeout", "FATAL", "08006", "client_login_timeout: authentication took too long"},
    {"bad_startup", "FATAL", "08P01", "invalid startup packet"},
    {"protocol_violation", "FATAL", "08P01", "protocol violation by the client"},
    {"not_supported", "FATAL", "0A000", "not supported by pgweir"},
    {"tls_failed", silent, "", ""},
    {"tls_required", "FATAL", "28000",
     "no encryption: pgweir takes connections with TLS only (sslmode=require)"},
    {"no_access_rule", "FATAL", "28000", "no access rule admits this connection"},
    {"authentication_failed", "FATAL", "28P01", "password authentication failed"},
    {"no_such_database", "FATAL", "3D000", "no such database"},
    {"not_allowed", "FATAL", "42501", "permission denied for database"},
    {"too_many_clients", "FATAL", "53300", "no more connections allowed (max_client_conn)"},
    {"bad_settings", "FATAL", "22023", "invalid startup parameter"},
    {"server_unreachable", "FATAL", "57P03", "the database server cannot be reached at the moment"},
    {"server_lost", "FATAL", "08006", "the connection to the database server was lost"},
    {"server_error", silent, "", ""},
    {"borrow_timeout", "ERROR", "53300", "query_wait_timeout: no server connection became free in time"},
    {"cancelled", "ERROR", "57014", "canceling statement due to user request"},
    {"query_timeout", "FATAL", "57014",
     "query_timeout: the server did not end the query when it was cancelled"},
    {"idle_timeout", "FATAL", "57P05", "terminating connection due to idle-session timeout"},
    {"idle_transaction_timeout", "FATAL", "25P03",
     "terminating connection due to idle-in-transaction timeout"},
    {"client_write_timeout", silent, "", ""},
    {"draining", "FATAL", "57P01", "terminating connection due to administrator command"},
    {"killed", "FATAL", "57P01",
     "terminating connection due to administrator command (admin forced disconnect)"},
    {"database_disabled", "FATAL", "57P03", "database is disabled"},
    {"too_large", "FATAL", "54000", "message larger than pgweir's limit"},
    {"internal_error", "FATAL", "XX000", "internal error in pgweir"},
}};

}  // namespace

const ReasonText& text_of(Reason reason) {
  return texts[static_cast<std::size_t>(reason)];
}

void write_reason(ByteBuffer& out, Reason reason, std::string_view message, std::string_view sqlstate) {
  const ReasonText& text = text_of(reason);
  if (text.severity.empty()) return;
  ErrorFields fields;
  fields.severity = text.severity;
  fields.code = sqlstate.empty() ? text.sqlstate : sqlstate;
  fields.message = message.empty() ? text.message : message;
  write_error_response(out, fields);
}

}  // namespace pgweir
