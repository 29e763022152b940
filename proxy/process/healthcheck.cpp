#include "proxy/process/healthcheck.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/system/system_error.hpp>
#include <stdexcept>

namespace pgweir {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

using Response = http::response<http::string_body>;

// A wildcard address is only for listening; the process is on this machine.
std::string reachable(const std::string& host) {
  if (host == "0.0.0.0") return "127.0.0.1";
  if (host == "::") return "::1";
  return host;
}

// There is one time limit for connection, request and answer, as even a process that hangs accepts
// connections.
asio::awaitable<void> ask(asio::ip::tcp::resolver::results_type addresses,
                          http::request<http::empty_body> request, Response& response) {
  beast::tcp_stream stream(co_await asio::this_coro::executor);
  stream.expires_after(health_timeout);
  co_await stream.async_connect(addresses, asio::use_awaitable);
  co_await http::async_write(stream, request, asio::use_awaitable);
  beast::flat_buffer buffer;
  co_await http::async_read(stream, buffer, response, asio::use_awaitable);
}

std::string explain(const boost::system::system_error& error, const std::string& address) {
  if (error.code() == asio::error::connection_refused)
    return "nothing answers on " + address + " (admin.port): is pgweir running?";
  if (error.code() == beast::error::timeout)
    return address + " (admin.port) has not answered within " +
           std::to_string(std::chrono::duration_cast<std::chrono::seconds>(health_timeout).count()) +
           " s: pgweir is stuck, or something else listens there";
  return "cannot ask " + address + " (admin.port): " + error.code().message();
}

bool ask(const std::string& host, std::uint16_t admin_port, const std::string& path, std::string& answer) {
  asio::io_context io;
  asio::ip::tcp::resolver resolver(io);
  const auto addresses = resolver.resolve(host, std::to_string(admin_port));
  http::request<http::empty_body> request(http::verb::get, path, 11);
  request.set(http::field::host, host);
  Response response;
  auto done = asio::co_spawn(io, ask(addresses, std::move(request), response), asio::use_future);
  io.run();
  done.get();
  answer = response.body();
  return response.result() == http::status::ok;
}

}  // namespace

bool ask_health(const std::string& admin_host, std::uint16_t admin_port, const std::string& path,
                std::string& answer) {
  const std::string host = reachable(admin_host);
  try {
    return ask(host, admin_port, path, answer);
  } catch (const boost::system::system_error& error) {
    const bool is_v6 = host.find(':') != std::string::npos;
    throw std::runtime_error(
        explain(error, (is_v6 ? '[' + host + ']' : host) + ':' + std::to_string(admin_port)));
  }
}

}  // namespace pgweir
