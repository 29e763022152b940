#include "proxy/login/access.hpp"

#include <algorithm>

namespace pgweir {
namespace {

bool names(const std::vector<std::string>& list, std::string_view name) {
  return list.empty() || std::find(list.begin(), list.end(), name) != list.end();
}

bool fits(const config::AccessRule& rule, const AccessQuestion& question) {
  return (rule.networks.empty() || is_in(rule.networks, question.from)) &&
         names(rule.databases, question.database) && names(rule.users, question.user) &&
         (question.tls || !rule.tls);
}

}  // namespace

bool may_enter(const config::Settings& settings, const AccessQuestion& question) {
  if (!settings.access) return true;
  const auto rule = std::find_if(settings.access->begin(), settings.access->end(),
                                 [&](const config::AccessRule& each) { return fits(each, question); });
  return rule != settings.access->end() && rule->allow;
}

std::optional<config::IpAddress> address_of(std::string_view peer) {
  const std::size_t colon = peer.rfind(':');
  return colon == std::string_view::npos ? std::nullopt : config::parse_address(peer.substr(0, colon));
}

bool is_in(const std::vector<config::Network>& networks, const std::optional<config::IpAddress>& address) {
  return address && std::any_of(networks.begin(), networks.end(),
                                [&](const config::Network& network) { return network.contains(*address); });
}

}  // namespace pgweir
