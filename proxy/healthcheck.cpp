#include "proxy/healthcheck.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

namespace pgweir {
namespace {

// A wildcard address is for listening; the process is on this machine.
std::string reachable(const std::string& host) {
  if (host == "0.0.0.0") return "127.0.0.1";
  if (host == "::") return "::1";
  return host;
}

}  // namespace

bool ask_ready(const std::string& admin_host, std::uint16_t admin_port, std::string& answer) {
  namespace beast = boost::beast;
  namespace http = beast::http;
  const std::string host = reachable(admin_host);
  boost::asio::io_context io;
  boost::asio::ip::tcp::resolver resolver(io);
  beast::tcp_stream stream(io);
  stream.connect(resolver.resolve(host, std::to_string(admin_port)));
  http::request<http::empty_body> request(http::verb::get, "/readyz", 11);
  request.set(http::field::host, host);
  http::write(stream, request);
  beast::flat_buffer buffer;
  http::response<http::string_body> response;
  http::read(stream, buffer, response);
  answer = response.body();
  return response.result() == http::status::ok;
}

}  // namespace pgweir
