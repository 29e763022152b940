// Why a client was refused, closed or sent an error: one table for the SQLSTATE and sentence it is told, and the
// name that log and metric use. Detail belongs in the log; a secret belongs nowhere. SQLSTATEs: PostgreSQL
// documentation, appendix A. Texts are PostgreSQL's, or PgBouncer's where tools look for them.
#pragma once

#include <cstdint>
#include <string_view>

#include "protocol/bytes.hpp"

namespace pgweir {

enum class Reason : std::uint8_t {
  terminated,      // the client said goodbye
  client_closed,   // end of stream without a Terminate
  client_lost,     // reset, or keepalive gave up
  cancel_request,  // a connection that only carried a CancelRequest
  login_timeout,
  bad_startup,
  protocol_violation,
  not_supported,
  tls_failed,    // the handshake failed, so there is no way to tell the client why
  tls_required,  // the client came without TLS
  no_access_rule,
  authentication_failed,
  no_such_database,
  not_allowed,
  too_many_clients,
  bad_settings,  // the server refuses the client's startup parameters
  server_unreachable,
  server_lost,
  server_error,  // the server itself ended the session, in its own words
  borrow_timeout,
  cancelled,      // while waiting for a backend
  query_timeout,  // the query did not end when it was cancelled
  idle_timeout,
  idle_transaction_timeout,
  client_write_timeout,  // the client reads nothing, so it cannot be told why
  draining,
  killed,  // by the console
  database_disabled,
  too_large,
  internal_error,
  out_of_memory,  // what the client has got may end within a message, so it is told nothing
};
constexpr std::size_t reason_count = static_cast<std::size_t>(Reason::out_of_memory) + 1;

struct ReasonText {
  std::string_view name;      // snake_case, for logs and metric labels
  std::string_view severity;  // ERROR or FATAL; empty: the client is told nothing
  std::string_view sqlstate;
  std::string_view message;
};
const ReasonText& text_of(Reason reason);

// Appends the ErrorResponse. `message`, `sqlstate` and `severity` replace what the table says, where they are
// given; a silent reason stays silent.
void write_reason(ByteBuffer& out, Reason reason, std::string_view message = {},
                  std::string_view sqlstate = {}, std::string_view severity = {});

}  // namespace pgweir
