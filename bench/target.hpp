// Where the load goes, and from which addresses it comes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include <boost/asio/ip/tcp.hpp>

namespace pgweir::bench {

// The first address of that name. Throws std::runtime_error, which begins with `option`, when there is none.
boost::asio::ip::tcp::endpoint resolve(const std::string& host, std::uint16_t port,
                                       const std::string& option);

// 127.0.0.2, .3, ... in turn, `count` of them; none for a count of 1. One pair of addresses has about 28,000
// ports, and a port is busy for a while after use.
std::optional<boost::asio::ip::address> source_address(std::uint32_t count, std::size_t client);

// Throws std::runtime_error when several source addresses cannot work towards that target.
void require_loopback_for_sources(std::uint32_t count, const boost::asio::ip::tcp::endpoint& target);

}  // namespace pgweir::bench
