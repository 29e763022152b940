#include "proxy/worker/connect.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <boost/asio/ip/tcp.hpp>
#include <cstring>
#include <optional>
#include <utility>

#include "proxy/net/awaited.hpp"
#include "proxy/net/socket_options.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {
namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using Endpoints = tcp::resolver::results_type;
using Resolved = std::pair<boost::system::error_code, Endpoints>;

// Together with Transport::silence_max it notices within some 20 s a server that vanished without a word.
constexpr Keepalive server_keepalive{.idle_s = 10, .interval_s = 5, .probes = 3};

int pending_error(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

bool is_connected(int fd) {
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  return ::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0;
}

// An address in digits is not given to the resolver, whose answer comes from another thread. nullopt: it did not
// answer in time.
Task<std::optional<Resolved>> resolve(Worker& here, const ServerAddress& address, TimedWaker& clock) {
  boost::system::error_code no_digits;
  const asio::ip::address known = asio::ip::make_address(address.host, no_digits);
  if (!no_digits) {
    const tcp::endpoint endpoint(known, address.port);
    co_return Resolved{{}, Endpoints::create(endpoint, address.host, std::to_string(address.port))};
  }
  tcp::resolver resolver(here.io());
  Awaited<Resolved> resolved(clock.waker());
  const Worker::Resolving resolving(here);
  resolver.async_resolve(address.host, std::to_string(address.port),
                         [give = resolved.giver()](boost::system::error_code error, Endpoints endpoints) {
                           give({error, std::move(endpoints)});
                         });
  while (!resolved.has_value() && !clock.expired()) co_await clock.waker().wait();
  if (!resolved.has_value()) co_return std::nullopt;
  co_return *resolved;
}

}  // namespace

TimedWaker::TimedWaker(Worker& here, std::chrono::milliseconds limit)
    : waker_(here.reactor()), timer_(here.io(), limit) {
  timer_.async_wait([this, alive = alive_](boost::system::error_code) {
    if (!*alive) return;
    expired_ = true;
    waker_.wake();
  });
}

TimedWaker::~TimedWaker() {
  *alive_ = false;
}

Task<Connected> connect_to(Worker& here, ServerAddress address, TimedWaker& clock) {
  const std::string service = std::to_string(address.port);
  const std::optional<Resolved> resolved = co_await resolve(here, address, clock);
  if (!resolved) co_return Connected{{}, "resolving " + address.host + " timed out"};
  const auto& [resolve_error, endpoints] = *resolved;
  if (resolve_error)
    co_return Connected{{}, "cannot resolve " + address.host + ": " + resolve_error.message()};

  std::string error = "no address";
  for (const auto& entry : endpoints) {
    const tcp::endpoint endpoint = entry.endpoint();
    UniqueFd fd(::socket(endpoint.protocol().family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd) co_return Connected{{}, std::string("cannot make a socket: ") + std::strerror(errno)};
    configure_tcp(fd.get(), server_keepalive);
    Transport transport(std::move(fd));
    transport.set_silence_limit(true);
    const int started = ::connect(transport.fd(), endpoint.data(), static_cast<socklen_t>(endpoint.size()));
    int failure = started == 0 || errno == EINPROGRESS ? 0 : errno;
    if (failure == 0 && !transport.attach(here.reactor(), &clock.waker())) failure = errno;
    while (failure == 0 && !clock.expired() && !is_connected(transport.fd())) {
      failure = pending_error(transport.fd());
      if (failure == 0) co_await clock.waker().wait();
    }
    if (clock.expired()) co_return Connected{{}, "connecting timed out"};
    if (failure == 0) co_return Connected{std::move(transport), {}};
    error = "cannot connect to " + address.host + ":" + service + ": " + std::strerror(failure);
  }
  co_return Connected{{}, std::move(error)};
}

}  // namespace pgweir
