#include "proxy/report/http.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <stdexcept>

#include "protocol/proxy_header.hpp"
#include "proxy/net/listen_failure.hpp"
#include "proxy/net/takeover.hpp"

namespace pgweir {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;
using Request = http::request<http::string_body>;
using Response = http::response<http::string_body>;

Response respond(const Request& request, const std::function<HttpReply(std::string_view)>& answer) {
  HttpReply reply;
  const bool allowed = request.method() == http::verb::get || request.method() == http::verb::head;
  if (allowed) {
    const std::string_view target(request.target().data(), request.target().size());
    reply = answer(target.substr(0, target.find('?')));
  } else {
    reply.status = 405;
    reply.body = "only GET and HEAD\n";
  }
  Response response(http::int_to_status(reply.status), request.version());
  response.set(http::field::content_type, reply.content_type);
  response.set(http::field::cache_control, "no-store");
  response.set("X-Content-Type-Options", "nosniff");
  response.set("Content-Security-Policy", reply.policy);
  // No page from elsewhere is to make a browser fetch it.
  response.set("Cross-Origin-Resource-Policy", "same-origin");
  response.set("Referrer-Policy", "no-referrer");
  response.keep_alive(request.keep_alive());
  const std::size_t size = reply.body.size();
  if (request.method() != http::verb::head) response.body() = std::move(reply.body);
  response.prepare_payload();
  if (request.method() == http::verb::head) response.content_length(size);
  return response;
}

// A load balancer that speaks the PROXY protocol does so for its health checks, too. The header decides
// nothing here, so that a client that makes one up gains nothing. There may be several (AWS, "Proxy
// protocol").
asio::awaitable<void> skip_proxy_headers(beast::tcp_stream& stream, beast::flat_buffer& buffer,
                                         boost::system::error_code& ec) {
  for (std::size_t headers = 0; headers < HttpServer::proxy_headers_max;) {
    const auto seen = buffer.data();
    ProxyHeader header;
    std::size_t size = 0;
    const ByteView bytes(static_cast<const Byte*>(seen.data()), seen.size());
    if (!bytes.empty() && parse_proxy_header(bytes, header, size) != Errc::ok) co_return;
    if (size > 0) {
      buffer.consume(size);
      ++headers;
      continue;
    }
    const std::size_t got = co_await stream.async_read_some(buffer.prepare(proxy_header_max),
                                                            asio::redirect_error(asio::use_awaitable, ec));
    if (ec) co_return;
    buffer.commit(got);
  }
}

asio::awaitable<void> serve(beast::tcp_stream stream, std::shared_ptr<HttpServer> /*server*/,
                            const std::function<HttpReply(std::string_view)>& answer,
                            std::size_t& connections) {
  ++connections;
  beast::flat_buffer buffer;
  boost::system::error_code ec;
  stream.expires_after(HttpServer::request_timeout);
  co_await skip_proxy_headers(stream, buffer, ec);
  for (bool open = !ec; open;) {
    http::request_parser<http::string_body> parser;
    parser.body_limit(HttpServer::request_body_max);
    stream.expires_after(HttpServer::request_timeout);
    co_await http::async_read(stream, buffer, parser, asio::redirect_error(asio::use_awaitable, ec));
    if (ec) break;
    Response response = respond(parser.get(), answer);
    open = response.keep_alive();
    co_await http::async_write(stream, response, asio::redirect_error(asio::use_awaitable, ec));
    if (ec) break;
  }
  stream.socket().shutdown(tcp::socket::shutdown_both, ec);
  --connections;
}

}  // namespace

HttpServer::HttpServer(asio::io_context& io, const std::string& host, std::uint16_t port, bool shares_port,
                       std::function<HttpReply(std::string_view)> answer)
    : io_(io), acceptor_(io), answer_(std::move(answer)) {
  tcp::resolver resolver(io);
  boost::system::error_code ec;
  const auto found = resolver.resolve(host, std::to_string(port), tcp::resolver::passive, ec);
  if (ec) throw std::runtime_error(listen_failure("admin", host, port, 0, ec.message()));
  const tcp::endpoint endpoint = found.begin()->endpoint();
  acceptor_.open(endpoint.protocol(), ec);
  if (!ec) acceptor_.set_option(tcp::acceptor::reuse_address(true), ec);
  if (!ec && shares_port) share_port(acceptor_.native_handle());
  if (!ec) acceptor_.bind(endpoint, ec);
  if (!ec) acceptor_.listen(asio::socket_base::max_listen_connections, ec);
  if (ec) throw std::runtime_error(listen_failure("admin", host, port, ec.value(), ec.message()));
  if (shares_port) take_over(acceptor_.native_handle());
}

void HttpServer::start() {
  accept();
}

void HttpServer::stop() {
  boost::system::error_code ec;
  acceptor_.close(ec);
}

void HttpServer::accept() {
  acceptor_.async_accept([self = shared_from_this()](boost::system::error_code ec, tcp::socket socket) {
    if (!self->acceptor_.is_open()) return;
    if (!ec && self->connections_ < connections_max) {
      asio::co_spawn(self->io_,
                     serve(beast::tcp_stream(std::move(socket)), self, self->answer_, self->connections_),
                     asio::detached);
    }
    self->accept();
  });
}

}  // namespace pgweir
