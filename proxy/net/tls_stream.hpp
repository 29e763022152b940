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
  bool is_broken_off() const { return inflow_ == Inflow::ended || error_ != 0; }

  // Reads what has arrived, as far as `into` reaches. A failure is reported by a call that has read nothing
  // before it.
  IoResult read(std::span<Byte> into);
  // Encrypts and sends. What was not taken must be offered again, in front of anything else.
  IoResult write(std::span<const iovec> parts);
  // Decrypted or not, bytes are here that read() would bring without the socket's being readable.
  bool pending() const { return read_again_ == ReadAgain::at_once; }
  // The last read has taken all that the socket had.
  bool drained() const { return inflow_ != Inflow::more; }
  // The last read has to send something first (a new key of TLS 1.3), for which the socket has no room.
  bool read_wants_write() const { return read_again_ == ReadAgain::when_writable; }
  // Tells the peer that nothing more comes, if the socket takes that at once.
  void close_notify();

  bool established() const { return phase_ == Phase::open || phase_ == Phase::broken; }
  // After the handshake.
  bool alpn_chosen() const;
  // Version and cipher, for people.
  std::string description() const;
  // The common name of the peer's certificate, which was verified if this side asks for one; empty: there is
  // none.
  std::string peer_common_name() const;
  ByteBuffer peer_end_point() const;  // see certificate_end_point(); empty without a certificate

 private:
  enum class Phase : std::uint8_t {
    handshake,
    failed,  // in the handshake
    open,
    broken,  // after it: nothing goes through any more
  };
  // What the socket has for the next recv, as far as the last one tells.
  enum class Inflow : std::uint8_t { more, drained, ended };
  // When another read() finds something.
  enum class ReadAgain : std::uint8_t { when_readable, at_once, when_writable };

  struct FreeSsl {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  static BIO_METHOD* socket_method();
  static long control(BIO* bio, int command, long number, void* pointer);
  static int read_socket(BIO* bio, char* into, int size);
  static int write_socket(BIO* bio, const char* from, int size);

  TlsStream(int fd, ByteView received) : fd_(fd), received_(received.begin(), received.end()) {}
  bool make(SSL_CTX* context);
  void note_pending();
  void note_broken();
  IoResult failed(int result);
  std::string why(int error) const;

  int fd_;
  int error_ = 0;  // of the socket
  Phase phase_ = Phase::handshake;
  Inflow inflow_ = Inflow::more;
  ReadAgain read_again_ = ReadAgain::when_readable;
  ByteBuffer received_;
  TlsClientRef client_;  // to which a callback of ssl_ refers
  std::unique_ptr<SSL, FreeSsl> ssl_;
  std::string failure_;
};

}  // namespace pgweir
