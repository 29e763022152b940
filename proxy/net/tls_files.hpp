// Everything that is made from the configuration's certificate files. Immutable after load; any thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "config/problem.hpp"
#include "proxy/net/tls_context.hpp"

namespace pgweir {

struct TlsFiles {
  TlsServerRef listen;                                         // null: clients get no TLS
  std::map<std::string, TlsClientRef, std::less<>> databases;  // by the entry's name
};

// Takes from `previous` what has not changed, so that its connections need not be made anew. What cannot be
// used is reported, at its place in the YAML file.
TlsFiles load_tls_files(const config::Settings& settings, const TlsFiles& previous,
                        const config::Locations& locations, std::vector<config::Problem>& problems);

}  // namespace pgweir
