// A non-blocking socket and its readiness on the worker that owns it, in plain text or through TLS. Apart
// from its TlsStream, nothing else calls recv, send and sendmsg. Thread rule: owning worker. An idle one may
// be detached by another thread (see readiness.hpp).
#pragma once

#include <sys/uio.h>

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "protocol/bytes.hpp"
#include "proxy/net/io_result.hpp"
#include "proxy/net/readiness.hpp"
#include "proxy/net/tls_stream.hpp"
#include "proxy/net/unique_fd.hpp"

namespace pgweir {

class Transport {
 public:
  Transport() = default;
  explicit Transport(UniqueFd fd) : fd_(std::move(fd)) {}
  Transport(Transport&& other) noexcept
      : fd_(std::move(other.fd_)),
        tls_(std::move(other.tls_)),
        reactor_(std::exchange(other.reactor_, nullptr)),
        slot_(std::exchange(other.slot_, nullptr)),
        limited_(other.limited_) {}
  Transport& operator=(Transport&& other) noexcept {
    close();
    fd_ = std::move(other.fd_);
    tls_ = std::move(other.tls_);
    reactor_ = std::exchange(other.reactor_, nullptr);
    slot_ = std::exchange(other.slot_, nullptr);
    limited_ = other.limited_;
    return *this;
  }
  ~Transport() { close(); }

  // Joins a worker. False when the kernel refuses.
  bool attach(Reactor& reactor, Waker* waker);
  void detach();
  // Which Waker this socket wakes from now on; nullptr: none, which lets another thread take it.
  void watch(Waker* waker) { slot_->watch(waker); }
  void wake_watcher() {
    if (slot_ != nullptr) slot_->wake();
  }
  bool attached() const { return slot_ != nullptr; }
  void close();
  // Closes with a RST, so that the peer notices and no TIME_WAIT stays behind.
  void abort();

  // From here on everything goes through TLS; the handshake comes first. `stream` is on this fd().
  void start_tls(std::unique_ptr<TlsStream> stream) { tls_ = std::move(stream); }
  // One step; sleep for the socket after `wants_read` and `wants_write`.
  TlsStream::Handshake handshake();
  // Null: plain text.
  TlsStream* tls() const { return tls_.get(); }
  bool shakes_hands() const { return tls_ && !tls_->established(); }
  // For a handshake that failed: what still arrives is only read to be thrown away.
  void give_up_tls() { tls_.reset(); }

  bool is_open() const { return static_cast<bool>(fd_); }
  int fd() const { return fd_.get(); }
  bool readable() const;
  bool writable() const { return slot_->writable(); }
  bool hung_up() const { return slot_->hung_up(); }

  // One recv, or what TLS makes of one. A short read means that nothing more is there (unless the peer sends
  // urgent data): the next event will tell.
  IoResult read(std::span<Byte> into);
  // One recv, whatever the readiness says, to see whether an idle peer has sent something or has closed.
  IoResult peek(std::span<Byte> into);
  // One sendmsg, or one TLS record after the other. `size` may be less than asked for; the rest has to be the
  // beginning of the next write.
  IoResult write(std::span<const iovec> parts);
  void shutdown_write();
  // The bytes sent that the peer has not acknowledged yet. nullopt: the kernel does not tell.
  std::optional<std::size_t> unacknowledged() const;

  // How long a server may leave what it was sent unacknowledged.
  static constexpr std::chrono::milliseconds silence_max{10'000};
  // After silence_max the kernel gives a peer up (TCP_USER_TIMEOUT), even one that acknowledges and merely
  // reads nothing (Linux, tcp_probe_timer()), such as a server that waits for a lock during a COPY. This
  // lifts the limit for as long as the peer is busy. To be called now and then while a peer may be busy.
  void wait_for_busy_peer();
  void set_silence_limit(bool on);

 private:
  UniqueFd fd_;
  std::unique_ptr<TlsStream> tls_;
  Reactor* reactor_ = nullptr;
  Slot* slot_ = nullptr;
  bool limited_ = false;
};

}  // namespace pgweir
