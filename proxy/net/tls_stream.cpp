#include "proxy/net/tls_stream.hpp"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace pgweir {
namespace {

bool is_address(const std::string& host) {
  return host.find(':') != std::string::npos || host.find_first_not_of("0123456789.") == std::string::npos;
}

// SNI, and with verify-full the name that must be in the certificate.
bool set_name(SSL* ssl, const TlsClientContext& context) {
  const std::string& host = context.host;
  const bool checks_name = context.mode == config::TlsMode::verify_full;
  if (is_address(host))
    return !checks_name || X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) == 1;
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return SSL_set_tlsext_host_name(ssl, host.c_str()) == 1 &&
         (!checks_name || SSL_set1_host(ssl, host.c_str()) == 1);
}

// One byte of length, then the name.
bool offer_alpn(SSL* ssl) {
  ByteBuffer list{static_cast<Byte>(alpn_postgresql.size())};
  list.insert(list.end(), alpn_postgresql.begin(), alpn_postgresql.end());
  return SSL_set_alpn_protos(ssl, list.data(), static_cast<unsigned>(list.size())) == 0;
}

}  // namespace

TlsStream::~TlsStream() = default;

// OpenSSL's own BIO for sockets does not tell how much a read has found, without which each message would
// cost a second read that finds nothing.
BIO_METHOD* TlsStream::socket_method() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* const made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
    BIO_meth_set_read(made, read_socket);
    BIO_meth_set_write(made, write_socket);
    BIO_meth_set_create(made, [](BIO* bio) { return BIO_set_init(bio, 1), 1; });
    BIO_meth_set_ctrl(made, control);
    return made;
  }();
  return method;
}

// A peer that closes without a close_notify has closed: messages have lengths, so that nothing can be cut off
// unnoticed.
long TlsStream::control(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_EOF)
    return static_cast<TlsStream*>(BIO_get_data(bio))->inflow_ == Inflow::ended ? 1 : 0;
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

int TlsStream::read_socket(BIO* bio, char* into, int size) {
  auto& self = *static_cast<TlsStream*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (!self.received_.empty()) {
    const auto n = std::min(self.received_.size(), static_cast<std::size_t>(size));
    std::copy_n(self.received_.begin(), n, reinterpret_cast<Byte*>(into));
    self.received_.erase(self.received_.begin(), self.received_.begin() + static_cast<std::ptrdiff_t>(n));
    return static_cast<int>(n);
  }
  ssize_t n = 0;
  do {
    n = ::recv(self.fd_, into, static_cast<std::size_t>(size), 0);
  } while (n < 0 && errno == EINTR);
  self.inflow_ = n == size ? Inflow::more : n == 0 ? Inflow::ended : Inflow::drained;
  if (n < 0 && is_would_block(errno)) {
    BIO_set_retry_read(bio);
  } else if (n < 0) {
    self.error_ = errno;
  }
  return static_cast<int>(n);
}

int TlsStream::write_socket(BIO* bio, const char* from, int size) {
  auto& self = *static_cast<TlsStream*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  ssize_t n = 0;
  do {
    n = ::send(self.fd_, from, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  } while (n < 0 && errno == EINTR);
  if (n < 0 && is_would_block(errno)) {
    BIO_set_retry_write(bio);
  } else if (n < 0) {
    self.error_ = errno;
  }
  return static_cast<int>(n);
}

bool TlsStream::make(SSL_CTX* context) {
  ssl_.reset(SSL_new(context));
  BIO* const bio = ssl_ ? BIO_new(socket_method()) : nullptr;
  if (bio == nullptr) return false;
  BIO_set_data(bio, this);
  SSL_set_bio(ssl_.get(), bio, bio);
  return true;
}

std::unique_ptr<TlsStream> TlsStream::accept(const TlsServerContext& context, int fd, ByteView received) {
  std::unique_ptr<TlsStream> stream(new TlsStream(fd, received));
  if (!stream->make(context.context.get())) return nullptr;
  SSL_set_accept_state(stream->ssl_.get());
  return stream;
}

std::unique_ptr<TlsStream> TlsStream::connect(TlsClientRef context, int fd) {
  std::unique_ptr<TlsStream> stream(new TlsStream(fd, {}));
  if (!stream->make(context->context.get())) return nullptr;
  SSL* const ssl = stream->ssl_.get();
  if (!set_name(ssl, *context) || !offer_alpn(ssl)) return nullptr;
  {
    const std::lock_guard lock(context->mutex);
    if (context->session) SSL_set_session(ssl, context->session.get());
  }
  SSL_set_connect_state(ssl);
  stream->client_ = std::move(context);
  return stream;
}

// Decrypted bytes, or an encrypted record that has been read off the socket.
void TlsStream::note_pending() {
  read_again_ = SSL_has_pending(ssl_.get()) == 1 ? ReadAgain::at_once : ReadAgain::when_readable;
}

void TlsStream::note_broken() {
  phase_ = established() ? Phase::broken : Phase::failed;
}

TlsStream::Handshake TlsStream::handshake() {
  inflow_ = Inflow::more;
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) {
    phase_ = Phase::open;
    note_pending();
    return Handshake::done;
  }
  const int error = SSL_get_error(ssl_.get(), result);
  if (error == SSL_ERROR_WANT_READ) return Handshake::wants_read;
  if (error == SSL_ERROR_WANT_WRITE) return Handshake::wants_write;
  note_broken();
  failure_ = why(error);
  return Handshake::failed;
}

std::string TlsStream::why(int error) const {
  // OpenSSL has a result even where nothing is verified; it says nothing then.
  const bool verifies = (SSL_get_verify_mode(ssl_.get()) & SSL_VERIFY_PEER) != 0;
  const long verified = SSL_get_verify_result(ssl_.get());
  if (verifies && verified != X509_V_OK) {
    ERR_clear_error();
    return std::string("certificate not accepted: ") + X509_verify_cert_error_string(verified);
  }
  if (error == SSL_ERROR_SYSCALL && error_ != 0) return std::strerror(error_);
  if (error == SSL_ERROR_ZERO_RETURN || error == SSL_ERROR_SYSCALL) return "the peer closed the connection";
  return tls_error("the peer closed the connection");
}

IoResult TlsStream::failed(int result) {
  const int error = SSL_get_error(ssl_.get(), result);
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return {IoStatus::would_block, 0, 0};
  if (error == SSL_ERROR_ZERO_RETURN) return {IoStatus::closed, 0, 0};
  note_broken();
  if (error == SSL_ERROR_SSL) failure_ = why(error);
  return {IoStatus::failed, 0, error_ != 0 ? error_ : EPROTO};
}

IoResult TlsStream::read(std::span<Byte> into) {
  std::size_t size = 0;
  inflow_ = Inflow::more;
  read_again_ = ReadAgain::when_readable;
  ERR_clear_error();
  while (size < into.size()) {
    const std::size_t room = std::min<std::size_t>(into.size() - size, INT32_MAX);
    const int n = SSL_read(ssl_.get(), into.data() + size, static_cast<int>(room));
    if (n <= 0) {
      const IoResult result = failed(n);
      if (result.status == IoStatus::would_block) {
        read_again_ = SSL_want_write(ssl_.get()) ? ReadAgain::when_writable : ReadAgain::when_readable;
      }
      if (size == 0) return result;
      break;  // the next call reports a failure
    }
    size += static_cast<std::size_t>(n);
    note_pending();
    if (!pending()) break;
  }
  return {IoStatus::ok, size, 0};
}

IoResult TlsStream::write(std::span<const iovec> parts) {
  std::array<Byte, tls_record_max> gathered;
  std::size_t sent = 0;
  std::size_t part = 0;
  std::size_t offset = 0;  // into parts[part]
  ERR_clear_error();
  while (part < parts.size()) {
    const auto* from = static_cast<const Byte*>(parts[part].iov_base) + offset;
    std::size_t size = std::min(parts[part].iov_len - offset, gathered.size());
    if (size < gathered.size() && part + 1 < parts.size()) {
      std::copy_n(from, size, gathered.begin());
      from = gathered.data();
      for (std::size_t next = part + 1; next < parts.size() && size < gathered.size(); ++next) {
        const std::size_t more = std::min(parts[next].iov_len, gathered.size() - size);
        std::copy_n(static_cast<const Byte*>(parts[next].iov_base), more, gathered.begin() + size);
        size += more;
      }
    }
    if (size == 0) break;
    const int n = SSL_write(ssl_.get(), from, static_cast<int>(size));
    if (n <= 0) {
      const IoResult result = failed(n);
      // A peer that has said goodbye and gone: OpenSSL calls that an end, too.
      if (result.status == IoStatus::closed) {
        note_broken();
        return {IoStatus::failed, sent, EPIPE};
      }
      return {result.status, sent, result.error};
    }
    sent += static_cast<std::size_t>(n);
    offset += static_cast<std::size_t>(n);
    while (part < parts.size() && offset >= parts[part].iov_len) offset -= parts[part++].iov_len;
  }
  return {IoStatus::ok, sent, 0};
}

void TlsStream::close_notify() {
  if (phase_ != Phase::open) return;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
}

std::string TlsStream::description() const {
  return std::string(SSL_get_version(ssl_.get())) + '/' + SSL_get_cipher_name(ssl_.get());
}

bool TlsStream::alpn_chosen() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  return size > 0;
}

// Empty, too, for a name with a NUL inside and for a certificate with two common names.
std::string TlsStream::peer_common_name() const {
  X509* const certificate = SSL_get0_peer_certificate(ssl_.get());
  if (certificate == nullptr || SSL_get_verify_result(ssl_.get()) != X509_V_OK) return {};
  const X509_NAME* const subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0) return {};
  unsigned char* text = nullptr;
  const int size = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
  if (size < 0) return {};
  std::string name(reinterpret_cast<const char*>(text), static_cast<std::size_t>(size));
  OPENSSL_free(text);
  return name.find('\0') == std::string::npos ? name : std::string();
}

ByteBuffer TlsStream::peer_end_point() const {
  X509* const certificate = SSL_get0_peer_certificate(ssl_.get());
  return certificate == nullptr ? ByteBuffer{} : certificate_end_point(certificate);
}

}  // namespace pgweir
