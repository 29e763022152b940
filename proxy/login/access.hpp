// Whether a client may log in at all. This is decided before its password is asked for, so that a network
// that is not meant to reach the pool cannot try passwords. Thread rule: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/settings.hpp"

namespace pgweir {

struct AccessQuestion {
  std::optional<config::IpAddress> from;  // nothing: not known, which fits no rule that names networks
  std::string_view database;
  std::string_view user;
  bool tls = false;
};

// The first rule that fits decides; if none fits, the answer is no. Without any rules it is yes.
bool may_enter(const config::Settings& settings, const AccessQuestion& question);

// The address in "host:port", as the log shows it.
std::optional<config::IpAddress> address_of(std::string_view peer);

bool is_in(const std::vector<config::Network>& networks, const std::optional<config::IpAddress>& address);

}  // namespace pgweir
