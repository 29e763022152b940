// Which URLs pgweir asks about secrets and identities. Thread rule: pure functions.
#pragma once

#include <string_view>

namespace pgweir::config {

// https://host[:port], without user or fragment; http:// only where nothing leaves this machine: loopback,
// 169.254.0.0/16 and fd00:ec2::/32, which are the metadata services'. A path may follow.
bool is_aws_url(std::string_view url);

// "host" or "host:port"; empty: the text is not a URL with one.
std::string_view authority_of_url(std::string_view url);

}  // namespace pgweir::config
