#include "config/aws_url.hpp"

#include <algorithm>
#include <string>

#include "config/network.hpp"
#include "config/validate.hpp"

namespace pgweir::config {
namespace {

constexpr std::string_view https = "https://";
constexpr std::string_view http = "http://";

bool is_authority_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view(".-:[]").find(c) != std::string_view::npos;
}

std::string_view host_of(std::string_view authority) {
  if (authority.starts_with('[')) {
    const std::size_t end = authority.find(']');
    return end == std::string_view::npos ? std::string_view() : authority.substr(1, end - 1);
  }
  return authority.substr(0, authority.find(':'));
}

bool stays_here(std::string_view host) {
  if (is_loopback(host)) return true;
  const std::optional<IpAddress> address = parse_address(host);
  if (!address) return false;
  for (const char* network : {"169.254.0.0/16", "fd00:ec2::/32"}) {
    std::string error;
    if (parse_network(network, error)->contains(*address)) return true;
  }
  return false;
}

}  // namespace

std::string_view authority_of_url(std::string_view url) {
  const std::string_view scheme = url.starts_with(https) ? https : http;
  if (!url.starts_with(scheme)) return {};
  const std::string_view rest = url.substr(scheme.size());
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  const bool good = std::all_of(authority.begin(), authority.end(), is_authority_character);
  return good ? authority : std::string_view();
}

bool is_aws_url(std::string_view url) {
  const std::string_view host = host_of(authority_of_url(url));
  const bool plain = std::all_of(url.begin(), url.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (host.empty() || !plain || url.find('#') != std::string_view::npos) return false;
  return url.starts_with(https) || stays_here(host);
}

}  // namespace pgweir::config
