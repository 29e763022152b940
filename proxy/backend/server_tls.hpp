// Turns a fresh connection to a database server into a TLS connection, as the configuration asks
// (PostgreSQL documentation, 55.2.12, "SSL Session Encryption"). Thread rule: the worker's thread.
#pragma once

#include <string>

#include "proxy/net/task.hpp"
#include "proxy/net/tls_context.hpp"
#include "proxy/worker/connect.hpp"

namespace pgweir {

struct ServerTlsResult {
  enum class Status : std::uint8_t {
    done,  // or there was nothing to do: mode disable, or prefer and a server without TLS
    timed_out,
    lost,     // the connection broke, as it does while a server starts and stops
    refused,  // by pgweir: the server is not what the configuration demands, and a retry cannot help
  };
  Status status = Status::done;
  std::string problem = {};  // for log and client, unless done
};

// Unless the status is `done`, the connection is of no use: only an SSLRequest was ever sent in plain text.
Task<ServerTlsResult> start_server_tls(Transport& transport, TlsClientRef tls, TimedWaker& clock);

}  // namespace pgweir
