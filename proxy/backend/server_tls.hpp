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
    refused,  // by us: this server is not what the configuration demands. Trying again soon cannot help.
  };
  Status status = Status::done;
  std::string problem = {};  // for log and client, unless done
};

// Unless it returns `done` the connection is of no use: nothing but a SSLRequest was ever sent in plain text.
Task<ServerTlsResult> start_server_tls(Transport& transport, TlsClientRef tls, TimedWaker& clock);

}  // namespace pgweir
