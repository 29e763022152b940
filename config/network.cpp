#include "config/network.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace pgweir::config {

namespace {

constexpr unsigned mapped_bits = 96;  // ::ffff:0:0/96 holds IPv4

bool is_mapped(const IpAddress& address) {
  constexpr std::array<std::uint8_t, 12> prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return std::equal(prefix.begin(), prefix.end(), address.begin());
}

// The bits of byte i that belong to a prefix of `bits` bits.
std::uint8_t mask(unsigned bits, unsigned i) {
  const unsigned left = bits > 8 * i ? bits - 8 * i : 0;
  if (left >= 8) return 0xff;
  return static_cast<std::uint8_t>((0xff00U >> left) & 0xffU);
}

}  // namespace

std::optional<IpAddress> parse_address(std::string_view text) {
  const std::string terminated(text);
  if (terminated.find('\0') != std::string::npos) return std::nullopt;
  IpAddress out{};
  if (text.find(':') != std::string_view::npos) {
    if (::inet_pton(AF_INET6, terminated.c_str(), out.data()) != 1) return std::nullopt;
    return out;
  }
  out[10] = out[11] = 0xff;
  if (::inet_pton(AF_INET, terminated.c_str(), out.data() + 12) != 1) return std::nullopt;
  return out;
}

std::string text_of_address(std::span<const std::uint8_t> bytes) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const bool is_v4 = bytes.size() == 4;
  if (!is_v4 && bytes.size() != 16) return "?";
  ::inet_ntop(is_v4 ? AF_INET : AF_INET6, bytes.data(), text.data(), text.size());
  return text.data();
}

bool Network::contains(const IpAddress& other) const {
  for (unsigned i = 0; i < address.size(); ++i) {
    if (((address[i] ^ other[i]) & mask(bits, i)) != 0) return false;
  }
  return true;
}

std::optional<Network> parse_network(std::string_view text, std::string& error) {
  const std::size_t slash = text.find('/');
  const std::optional<IpAddress> address = parse_address(text.substr(0, slash));
  if (!address) {
    error = "expected an address or a network such as 10.0.0.0/8";
    return std::nullopt;
  }
  const bool is_v6 = text.substr(0, slash).find(':') != std::string_view::npos;
  const unsigned most = is_v6 ? 128 : 32;
  unsigned bits = most;
  if (slash != std::string_view::npos) {
    const std::string_view number = text.substr(slash + 1);
    const auto [rest, code] = std::from_chars(number.data(), number.data() + number.size(), bits);
    if (code != std::errc() || rest != number.data() + number.size() || bits > most) {
      error = "expected 0 to " + std::to_string(most) + " after the slash";
      return std::nullopt;
    }
  }
  Network network{*address, is_v6 ? bits : mapped_bits + bits};
  for (unsigned i = 0; i < network.address.size(); ++i) {
    if ((network.address[i] & ~mask(network.bits, i)) == 0) continue;
    network.address[i] &= mask(network.bits, i);
    error = "has bits set after its prefix; ";
  }
  if (error.empty()) return network;
  for (unsigned i = 0; i < network.address.size(); ++i) network.address[i] &= mask(network.bits, i);
  error += "did you mean " + to_string(network) + "?";
  return std::nullopt;
}

std::string to_string(const Network& network) {
  const std::span<const std::uint8_t> bytes = network.address;
  const bool is_v4 = is_mapped(network.address) && network.bits >= mapped_bits;
  const unsigned bits = is_v4 ? network.bits - mapped_bits : network.bits;
  return text_of_address(is_v4 ? bytes.subspan(12) : bytes) + '/' + std::to_string(bits);
}

}  // namespace pgweir::config
