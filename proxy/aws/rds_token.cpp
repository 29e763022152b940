#include "proxy/aws/rds_token.hpp"

namespace pgweir::aws {

// NAME.ACCOUNT.REGION.rds.amazonaws.com, .cn after it in China.
std::string region_of_host(std::string_view host, std::string_view otherwise) {
  const std::size_t suffix = host.find(".rds.amazonaws.com");
  if (suffix == std::string_view::npos) return std::string(otherwise);
  const std::string_view rest = host.substr(suffix + std::string_view(".rds.amazonaws.com").size());
  if (!rest.empty() && rest != ".cn") return std::string(otherwise);
  const std::size_t dot = host.rfind('.', suffix - 1);
  if (suffix == 0 || dot == std::string_view::npos) return std::string(otherwise);
  return std::string(host.substr(dot + 1, suffix - dot - 1));
}

config::Secret rds_token(std::string_view host, std::uint16_t port, std::string_view user,
                         const std::string& region, const Credentials& credentials, Time now) {
  // The port is always part of it, even 443.
  const std::string address = std::string(host) + ':' + std::to_string(port);
  Signable request;
  request.query = {{"Action", "connect"}, {"DBUser", std::string(user)}};
  request.headers = {{"host", address}};
  return config::Secret(address + "/?" +
                        presign(request, {region, "rds-db"}, credentials, now, rds_token_lifetime));
}

}  // namespace pgweir::aws
