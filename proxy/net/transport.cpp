#include "proxy/net/transport.hpp"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <numeric>

namespace pgweir {
namespace {

ssize_t receive(int fd, std::span<Byte> into) {
  for (;;) {
    const ssize_t n = ::recv(fd, into.data(), into.size(), 0);
    if (n >= 0 || errno != EINTR) return n;
  }
}

}  // namespace

bool Transport::attach(Reactor& reactor, Waker* waker) {
  slot_ = reactor.attach(fd_.get(), waker);
  reactor_ = slot_ != nullptr ? &reactor : nullptr;
  return slot_ != nullptr;
}

TlsStream::Handshake Transport::handshake() {
  const TlsStream::Handshake step = tls_->handshake();
  if (tls_->drained()) slot_->set_unreadable();
  if (step == TlsStream::Handshake::wants_write) slot_->set_unwritable();
  return step;
}

void Transport::detach() {
  if (slot_ == nullptr) return;
  reactor_->detach(fd_.get(), slot_);
  slot_ = nullptr;
  reactor_ = nullptr;
}

// The kernel takes a closed descriptor off the epoll set by itself.
void Transport::close() {
  if (tls_) {
    tls_->close_notify();
    tls_.reset();
  }
  fd_.reset();
  if (slot_ != nullptr) reactor_->free(slot_);
  slot_ = nullptr;
  reactor_ = nullptr;
}

void Transport::abort() {
  if (!is_open()) return;
  tls_.reset();
  const linger reset{1, 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  close();
}

IoResult Transport::read(std::span<Byte> into) {
  const IoResult result = peek(into);
  const bool is_short = tls_ ? tls_->drained() : result.status == IoStatus::ok && result.size < into.size();
  const bool drained = result.status == IoStatus::would_block || (is_short && !slot_->has_urgent());
  if (drained) slot_->set_unreadable();
  if (tls_ && tls_->read_wants_write()) slot_->set_unwritable();
  return result;
}

bool Transport::readable() const {
  if (slot_->readable()) return true;
  return tls_ && (tls_->pending() || (tls_->read_wants_write() && slot_->writable()));
}

IoResult Transport::peek(std::span<Byte> into) {
  if (tls_) return tls_->read(into);
  const ssize_t n = receive(fd_.get(), into);
  if (n > 0) return {IoStatus::ok, static_cast<std::size_t>(n), 0};
  if (n == 0) return {IoStatus::closed, 0, 0};
  if (is_would_block(errno)) return {IoStatus::would_block, 0, 0};
  return {IoStatus::failed, 0, errno};
}

IoResult Transport::write(std::span<const iovec> parts) {
  if (tls_) {
    const IoResult result = tls_->write(parts);
    if (result.status == IoStatus::would_block) slot_->set_unwritable();
    // What was sent before the failure is reported first; the next write fails again.
    return result.size > 0 ? IoResult{IoStatus::ok, result.size, 0} : result;
  }
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(parts.data());  // sendmsg does not write to it
  message.msg_iovlen = parts.size();
  ssize_t n = 0;
  do {
    n = ::sendmsg(fd_.get(), &message, MSG_NOSIGNAL);
  } while (n < 0 && errno == EINTR);
  if (n < 0 && !is_would_block(errno)) return {IoStatus::failed, 0, errno};
  const std::size_t sent = n < 0 ? 0 : static_cast<std::size_t>(n);
  const std::size_t asked =
      std::accumulate(parts.begin(), parts.end(), std::size_t{0},
                      [](std::size_t sum, const iovec& part) { return sum + part.iov_len; });
  if (sent < asked) slot_->set_unwritable();
  return {n < 0 ? IoStatus::would_block : IoStatus::ok, sent, 0};
}

void Transport::shutdown_write() {
  if (tls_) tls_->close_notify();
  ::shutdown(fd_.get(), SHUT_WR);
}

std::optional<std::size_t> Transport::unacknowledged() const {
  int bytes = 0;
  if (::ioctl(fd_.get(), SIOCOUTQ, &bytes) != 0 || bytes < 0) return std::nullopt;
  return static_cast<std::size_t>(bytes);
}

void Transport::wait_for_busy_peer() {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(fd_.get(), IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return;
  // Something is to be sent and nothing is on its way: the peer has no room for it.
  const bool is_busy = info.tcpi_unacked == 0 && unacknowledged().value_or(0) > 0;
  set_silence_limit(!is_busy);
}

void Transport::set_silence_limit(bool on) {
  if (on == limited_) return;
  limited_ = on;
  const int limit = on ? static_cast<int>(silence_max.count()) : 0;
  ::setsockopt(fd_.get(), IPPROTO_TCP, TCP_USER_TIMEOUT, &limit, sizeof limit);
}

}  // namespace pgweir
