#include "proxy/doctor/endpoint.hpp"

#include <charconv>
#include <cstring>

namespace pgweir::doctor {

Endpoint endpoint_of(std::string_view text, std::uint16_t otherwise) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || text.find(']', colon) != std::string_view::npos)
    return {std::string(text), otherwise};
  std::uint16_t port = 0;
  std::from_chars(text.data() + colon + 1, text.data() + text.size(), port);
  return {std::string(text.substr(0, colon)), port};
}

Endpoint endpoint_of_url(std::string_view url) {
  const bool tls = url.starts_with("https://");
  const std::size_t begin = url.find("://");
  std::string_view rest = begin == std::string_view::npos ? url : url.substr(begin + 3);
  rest = rest.substr(0, rest.find('/'));
  return endpoint_of(rest, tls ? 443 : 80);
}

Reached reach(const Endpoint& endpoint, Deadline deadline) {
  Reached reached{endpoint};
  const Names names = resolve(endpoint.host, endpoint.port, deadline);
  if (names.addresses.empty()) return reached;
  Wire wire;
  reached.known = true;
  reached.error = wire.connect(names.addresses.front(), deadline);
  reached.is_private = names.addresses.front().is_private;
  reached.address = names.addresses.front().text;
  return reached;
}

Evidence Reached::evidence() const {
  const std::string result = error == 0 ? "connected" : std::strerror(error);
  return {"TCP to " + endpoint.host + ":" + std::to_string(endpoint.port),
          known ? address + ": " + result : "the name is not resolved"};
}

}  // namespace pgweir::doctor
