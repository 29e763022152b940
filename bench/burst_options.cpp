#include "bench/burst_options.hpp"

#include <cmath>

namespace pgweir::bench {
namespace {

// One process holds them all; more would exceed the ports and the memory of one machine.
constexpr std::uint32_t clients_max = 1'000'000;
constexpr std::uint32_t source_addresses_max = 250;  // 127.0.0.2 to 127.0.0.251

bool has_nul(const std::string& text) {
  return text.find('\0') != std::string::npos;
}

}  // namespace

std::vector<std::string> check(const BurstOptions& options) {
  std::vector<std::string> problems;
  auto require = [&](bool holds, const char* sentence) {
    if (!holds) problems.emplace_back(sentence);
  };
  require(!options.host.empty(), "--host is empty");
  require(options.host.empty() || options.host.front() != '/',
          "--host is a socket directory: the burst speaks TCP only, give a name or an address");
  require(options.port != 0, "--port is 0");
  require(!options.user.empty(), "--user is empty");
  require(!has_nul(options.user) && !has_nul(options.database), "--user or --database contains a zero byte");
  require(options.clients >= 1 && options.clients <= clients_max, "--clients is not between 1 and 1000000");
  require(std::isfinite(options.rate) && options.rate >= 0,
          "--rate is negative or not a number (0 means as fast as possible)");
  require(options.transactions >= 1, "--transactions is 0: a client that asks nothing is not served");
  require(!options.query.empty() && !has_nul(options.query), "--query is empty or contains a zero byte");
  require(options.timeout >= std::chrono::seconds(1), "--timeout is below 1 second");
  require(options.source_addresses >= 1 && options.source_addresses <= source_addresses_max,
          "--source-addresses is not between 1 and 250");
  return problems;
}

}  // namespace pgweir::bench
