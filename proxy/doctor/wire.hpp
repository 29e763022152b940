// A connection to a server for one probe at a time: blocking calls, each of which ends by the deadline.
#pragma once

#include <openssl/ssl.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "protocol/bytes.hpp"
#include "proxy/net/unique_fd.hpp"

namespace pgweir::doctor {

using Deadline = std::chrono::steady_clock::time_point;
Deadline in(std::chrono::milliseconds time);

struct Address {
  std::string text;          // 10.20.0.7
  std::vector<Byte> socket;  // as for connect(), the port included
  bool is_private = false;   // RFC 1918, RFC 6598, loopback, link-local, or fc00::/7
};

struct Names {
  int error = 0;  // of getaddrinfo()
  bool timed_out = false;
  std::vector<Address> addresses;
};
Names resolve(const std::string& host, std::uint16_t port, Deadline deadline);

class Wire {
 public:
  // 0, or an errno: ETIMEDOUT if there is no answer.
  int connect(const Address& address, Deadline deadline);
  // Writes everything. False: that failed.
  bool write(ByteView bytes, Deadline deadline);
  // Appends what there is, once there is something. False: the connection is closed or broken, or it is too
  // late.
  bool read(ByteBuffer& out, Deadline deadline);
  bool timed_out() const { return timed_out_; }

  // Accepts any certificate; verify_result() of ssl() tells what is wrong with it. Empty: done; otherwise why
  // not.
  std::string start_tls(SSL_CTX* context, const std::string& host, Deadline deadline);
  SSL* ssl() const { return ssl_.get(); }

 private:
  bool wait(short events, Deadline deadline);
  bool again(int result, Deadline deadline);

  struct FreeSsl {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  UniqueFd fd_;
  std::unique_ptr<SSL, FreeSsl> ssl_;
  bool timed_out_ = false;
};

}  // namespace pgweir::doctor
