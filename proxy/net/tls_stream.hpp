// TLS on one non-blocking socket, which it does not own: what Transport reads and writes through once a
// handshake has begun. Thread rule: the Transport's owner.
//
// One handshake step costs up to some 400 us of CPU; see HandshakeTurns for who may take one when.
#pragma once

#include <openssl/ssl.h>
#include <sys/uio.h>

#include <memory>
#include <span>
#include <string>

#include "protocol/bytes.hpp"
#include "proxy/net/io_result.hpp"
#include "proxy/net/tls_context.hpp"

namespace pgweir {

class TlsStream {
 public:
  // `received`: what has been read off the socket already, the beginning of a handshake. Null: out of memory.
  static std::unique_ptr<TlsStream> accept(const TlsServerContext& context, int fd, ByteView received);
  static std::unique_ptr<TlsStream> connect(TlsClientRef context, int fd);
  ~TlsStream();
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  enum class Handshake : std::uint8_t { done, wants_read, wants_write, failed };
  Handshake handshake();
  // After `failed`: why, in a sentence. Empty where the socket failed, not TLS.
  const std::string& failure() const { return failure_; }
  // After `failed`: the peer or the network ended the connection, without saying why.
  bool is_broken_off() const { return eof_ || error_ != 0; }

  // Reads what has arrived, as far as `into` reaches. A failure is reported by a call that has read nothing
  // before it.
  IoResult read(std::span<Byte> into);
  // Encrypts and sends. What was not taken must be offered again, in front of anything else.
  IoResult write(std::span<const iovec> parts);
  // Decrypted or not, bytes are here that read() would bring without the socket's being readable.
  bool pending() const { return pending_; }
  // The last read has taken all that the socket had.
  bool drained() const { return drained_; }
  // The last read has to send something first (a new key of TLS 1.3), for which the socket has no room.
  bool read_wants_write() const { return read_wants_write_; }
  // Tells the peer that nothing more comes, if the socket takes that at once.
  void close_notify();

  bool established() const { return established_; }
  // After the handshake.
  bool alpn_chosen() const;
  // Version and cipher, for people.
  std::string description() const;
  // The common name of the peer's certificate, which was verified if this side asks for one; empty: there is
  // none.
  std::string peer_common_name() const;
  ByteBuffer peer_end_point() const;  // see certificate_end_point(); empty without a certificate

 private:
  struct FreeSsl {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  static BIO_METHOD* socket_method();
  static long control(BIO* bio, int command, long number, void* pointer);
  static int read_socket(BIO* bio, char* into, int size);
  static int write_socket(BIO* bio, const char* from, int size);

  TlsStream(int fd, ByteView received) : fd_(fd), received_(received.begin(), received.end()) {}
  bool make(SSL_CTX* context);
  IoResult failed(int result);
  std::string why(int error) const;

  int fd_;
  int error_ = 0;     // of the socket
  bool eof_ = false;  // of the socket
  bool pending_ = false;
  bool drained_ = false;
  bool read_wants_write_ = false;
  bool established_ = false;
  bool broken_ = false;
  ByteBuffer received_;
  TlsClientRef client_;  // to which a callback of ssl_ refers
  std::unique_ptr<SSL, FreeSsl> ssl_;
  std::string failure_;
};

}  // namespace pgweir
