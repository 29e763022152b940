#include "proxy/base/reason.hpp"

#include <array>

#include "protocol/error_response.hpp"
#include "protocol/sqlstate.hpp"

namespace pgweir {
namespace {

constexpr std::string_view silent;

// In the order of the enum.
constexpr std::array<ReasonText, reason_count> texts = {{
    {"terminated", silent, "", ""},
    {"client_closed", silent, "", ""},
    {"client_lost", silent, "", ""},
    {"cancel_request", silent, "", ""},
    {"login_timeout", "FATAL", sqlstate::connection_failure,
     "client_login_timeout: authentication took too long"},
    {"bad_startup", "FATAL", sqlstate::protocol_violation, "invalid startup packet"},
    {"protocol_violation", "FATAL", sqlstate::protocol_violation, "protocol violation by the client"},
    {"not_supported", "FATAL", sqlstate::feature_not_supported, "not supported by pgweir"},
    {"tls_failed", silent, "", ""},
    {"tls_required", "FATAL", sqlstate::invalid_authorization_specification,
     "no encryption: pgweir takes connections with TLS only (sslmode=require)"},
    {"no_access_rule", "FATAL", sqlstate::invalid_authorization_specification,
     "no access rule admits this connection"},
    {"authentication_failed", "FATAL", sqlstate::invalid_password, "password authentication failed"},
    {"no_such_database", "FATAL", sqlstate::invalid_catalog_name, "no such database"},
    {"not_allowed", "FATAL", sqlstate::insufficient_privilege, "permission denied for database"},
    {"too_many_clients", "FATAL", sqlstate::too_many_connections,
     "no more connections allowed (max_client_conn): listen.max_clients is reached"},
    {"bad_settings", "FATAL", sqlstate::invalid_parameter_value, "invalid startup parameter"},
    {"server_unreachable", "FATAL", sqlstate::cannot_connect_now,
     "the database server cannot be reached at the moment"},
    {"server_lost", "FATAL", sqlstate::connection_failure, "the connection to the database server was lost"},
    {"server_error", silent, "", ""},
    {"borrow_timeout", "ERROR", sqlstate::too_many_connections,
     "query_wait_timeout: no server connection became free in time"},
    {"cancelled", "ERROR", sqlstate::query_canceled, "canceling statement due to user request"},
    {"query_timeout", "FATAL", sqlstate::query_canceled,
     "query_timeout: the server did not end the query when it was cancelled"},
    {"idle_timeout", "FATAL", sqlstate::idle_session_timeout,
     "terminating connection due to idle-session timeout"},
    {"idle_transaction_timeout", "FATAL", sqlstate::idle_in_transaction_session_timeout,
     "terminating connection due to idle-in-transaction timeout"},
    {"client_write_timeout", silent, "", ""},
    {"draining", "FATAL", sqlstate::admin_shutdown, "terminating connection due to administrator command"},
    {"killed", "FATAL", sqlstate::admin_shutdown,
     "terminating connection due to administrator command (admin forced disconnect)"},
    {"database_disabled", "FATAL", sqlstate::cannot_connect_now, "database is disabled"},
    {"too_large", "FATAL", sqlstate::program_limit_exceeded, "message larger than pgweir's limit"},
    {"internal_error", "FATAL", sqlstate::internal_error, "internal error in pgweir"},
    {"out_of_memory", silent, "", ""},
}};

}  // namespace

const ReasonText& text_of(Reason reason) {
  return texts[static_cast<std::size_t>(reason)];
}

void write_reason(ByteBuffer& out, Reason reason, std::string_view message, std::string_view sqlstate,
                  std::string_view severity) {
  const ReasonText& text = text_of(reason);
  if (text.severity.empty()) return;
  ErrorFields fields;
  fields.severity = severity.empty() ? text.severity : severity;
  fields.code = sqlstate.empty() ? text.sqlstate : sqlstate;
  fields.message = message.empty() ? text.message : message;
  write_error_response(out, fields);
}

}  // namespace pgweir
