// An IP network, as "10.0.0.0/8", "fd00::/8" or a single address. Thread rule: plain values.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace pgweir::config {

// IPv4 is kept as IPv6 (RFC 4291, section 2.5.5.2), so that a client of a dual-stack socket matches, too.
using IpAddress = std::array<std::uint8_t, 16>;

std::optional<IpAddress> parse_address(std::string_view text);
// The text of an address of 4 or 16 bytes.
std::string text_of_address(std::span<const std::uint8_t> bytes);

struct Network {
  IpAddress address{};
  unsigned bits = 128;  // of the prefix

  bool contains(const IpAddress& other) const;
  bool operator==(const Network&) const = default;
};

// nullopt, with `error` filled in: the text is not a network, or one with bits set after its prefix.
std::optional<Network> parse_network(std::string_view text, std::string& error);
std::string to_string(const Network& network);

}  // namespace pgweir::config
