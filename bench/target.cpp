#include "bench/target.hpp"

#include <stdexcept>

#include <boost/asio/io_context.hpp>

namespace asio = boost::asio;

namespace pgweir::bench {

asio::ip::tcp::endpoint resolve(const std::string& host, std::uint16_t port, const std::string& option) {
  boost::system::error_code error;
  asio::io_context io;
  asio::ip::tcp::resolver resolver(io);
  const auto found = resolver.resolve(host, std::to_string(port), error);
  if (error) throw std::runtime_error(option + " " + host + ": " + error.message());
  return found.begin()->endpoint();
}

std::optional<asio::ip::address> source_address(std::uint32_t count, std::size_t client) {
  if (count <= 1) return std::nullopt;
  const auto offset = static_cast<std::uint32_t>(2 + client % count);
  return asio::ip::address_v4(asio::ip::address_v4::loopback().to_uint() - 1 + offset);
}

void require_loopback_for_sources(std::uint32_t count, const asio::ip::tcp::endpoint& target) {
  const asio::ip::address address = target.address();
  if (count > 1 && !(address.is_v4() && address.is_loopback()))
    throw std::runtime_error("--source-addresses works only towards 127.0.0.0/8, not " + address.to_string());
}

}  // namespace pgweir::bench
