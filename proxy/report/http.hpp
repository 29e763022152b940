// The admin address: answers GET and HEAD by a function; AdminRoutes has the paths. Boost.Beast on the main
// thread's io_context. Thread rule: that thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace pgweir {

struct HttpReply {
  unsigned status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  // What a browser may do with the body. This default is for bodies that are not pages, and allows nothing.
  std::string policy = "default-src 'none'; frame-ancestors 'none'";
};

class HttpServer : public std::enable_shared_from_this<HttpServer> {
 public:
  static constexpr std::size_t connections_max = 64;
  static constexpr std::chrono::seconds request_timeout{10};
  static constexpr std::uint64_t request_body_max = 16 * 1024;
  static constexpr std::size_t proxy_headers_max = 4;

  // `answer` gets the path of a GET or HEAD. Throws when the address cannot be bound.
  HttpServer(boost::asio::io_context& io, const std::string& host, std::uint16_t port, bool shares_port,
             std::function<HttpReply(std::string_view path)> answer);
  void start();
  void stop();

 private:
  void accept();

  boost::asio::io_context& io_;
  boost::asio::ip::tcp::acceptor acceptor_;
  std::function<HttpReply(std::string_view)> answer_;
  std::size_t connections_ = 0;
};

}  // namespace pgweir
