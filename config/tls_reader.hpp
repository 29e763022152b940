// The `tls` sections: towards clients, and towards a database server.
#pragma once

#include "config/section.hpp"

namespace pgweir::config {

void read_listen_tls(Walk& walk, Section section, ListenTls& out);
// `host`: the server's, which decides the default of `mode`.
void read_server_tls(Walk& walk, Section section, const std::string& host, ServerTls& out);

}  // namespace pgweir::config
