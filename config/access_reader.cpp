#include "config/access_reader.hpp"

#include <array>

namespace pgweir::config {

namespace {

enum class ProxyProtocol { off, v2 };
constexpr std::array<Choice<ProxyProtocol>, 2> proxy_protocols{
    {{"off", ProxyProtocol::off}, {"v2", ProxyProtocol::v2}}};

AccessRule read_rule(Section section) {
  AccessRule rule;
  section.flag("allow", rule.allow);
  section.networks("networks", rule.networks);
  section.names("databases", rule.databases);
  section.names("users", rule.users);
  section.flag("tls", rule.tls);
  section.finish();
  return rule;
}

}  // namespace

void read_access(Walk& walk, Section& root, std::optional<std::vector<AccessRule>>& out) {
  const Node* const list = root.find("access");
  if (list == nullptr) return;
  if (list->kind != Node::Kind::sequence)
    return root.report("access", "expected a list of rules such as - {networks: [10.0.0.0/8], users: [app]}");
  std::vector<AccessRule> rules;
  for (const Node& item : list->children)
    rules.push_back(read_rule(Section(walk, &item, "access[" + std::to_string(rules.size()) + ']')));
  if (rules.empty())
    root.report("access", "is empty, so that no client could log in; leave it out to admit all");
  out = std::move(rules);
}

void read_proxy_protocol(Section& listen, std::vector<Network>& sources) {
  ProxyProtocol protocol = ProxyProtocol::off;
  listen.choice<ProxyProtocol>("proxy_protocol", protocol, proxy_protocols);
  listen.networks("proxy_sources", sources);
  if (protocol == ProxyProtocol::v2 && sources.empty() && listen.find("proxy_sources") == nullptr)
    listen.report("proxy_sources", "is missing: the networks of the load balancers whose word is taken");
  if (protocol == ProxyProtocol::off) sources.clear();
}

}  // namespace pgweir::config
