#include "proxy/net/listen_failure.hpp"

#include <cerrno>

namespace pgweir {
namespace {

std::string advice(const std::string& host_key, const std::string& port_key, int error) {
  switch (error) {
    case 0:
    case EADDRNOTAVAIL:
      return "set " + host_key + " to an address or a name of this machine";
    case EADDRINUSE:
      return "end the process that has it (`ss -ltnp` shows which), or set another " + port_key;
    case EACCES:
      return "set a " + port_key + " above 1023, or run pgweir with CAP_NET_BIND_SERVICE";
    default:
      return "look at " + host_key + " and " + port_key;
  }
}

}  // namespace

std::string listen_failure(std::string_view section, const std::string& host, std::uint16_t port, int error,
                           std::string_view why) {
  const std::string host_key = std::string(section) + ".host";
  const std::string port_key = std::string(section) + ".port";
  return "cannot listen on " + host + ":" + std::to_string(port) + " (" + host_key + ", " + port_key +
         "): " + std::string(why) + "; " + advice(host_key, port_key, error);
}

}  // namespace pgweir
