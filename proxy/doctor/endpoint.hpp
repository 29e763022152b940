// An address at which the doctor looks for a server.
#pragma once

#include "proxy/doctor/wire.hpp"
#include "proxy/documents/finding.hpp"

namespace pgweir::doctor {

struct Endpoint {
  std::string host;
  std::uint16_t port = 0;
};
// host, or host:port.
Endpoint endpoint_of(std::string_view text, std::uint16_t otherwise);
// https://host:port/path
Endpoint endpoint_of_url(std::string_view url);

struct Reached {
  Endpoint endpoint;
  bool known = false;  // its name has an address
  bool is_private = false;
  int error = 0;
  std::string address = {};

  bool is_well() const { return known && error == 0; }
  Evidence evidence() const;
};
// Tries to connect by TCP.
Reached reach(const Endpoint& endpoint, Deadline deadline);

}  // namespace pgweir::doctor
