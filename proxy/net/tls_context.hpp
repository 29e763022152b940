// What TLS connections of one direction share: certificates, trust, versions and ciphers, made of the
// configuration's files. Immutable after load; any thread. A changed file makes a new context; connections
// that were made with the old one live on.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "config/settings.hpp"
#include "protocol/bytes.hpp"

namespace pgweir {

// The ALPN name of the protocol (PostgreSQL 17, "Frontend/Backend Protocol", 55.2.12).
inline constexpr std::string_view alpn_postgresql = "postgresql";
// libpq before 2026 may wait for ever after a record that is larger than its buffer.
inline constexpr std::size_t tls_record_max = 8192;

struct FreeSslContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using SslContext = std::unique_ptr<SSL_CTX, FreeSslContext>;

struct FreeSslSession {
  void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
};
using SslSession = std::unique_ptr<SSL_SESSION, FreeSslSession>;

// Towards clients.
struct TlsServerContext {
  SslContext context;
  ByteBuffer end_point;      // the certificate's hash, see certificate_end_point()
  std::int64_t expires = 0;  // of the certificate, in seconds since 1970
};

// Towards one database server.
struct TlsClientContext {
  config::TlsMode mode = config::TlsMode::disable;
  bool direct = false;   // without SSLRequest
  std::string host;      // for SNI, and with verify-full what the certificate must be made for
  SslContext context;    // null with `disable`
  std::string identity;  // settings, and the files' names, sizes and times: the same, the same context
  mutable std::mutex mutex;
  mutable SslSession session;  // of the last connection, if the server lets it be resumed
};
using TlsServerRef = std::shared_ptr<const TlsServerContext>;
using TlsClientRef = std::shared_ptr<const TlsClientContext>;

struct TlsProblem {
  std::string key;      // of the `tls` section; empty: the section itself
  std::string message;  // empty: there is none
};

// Null with a problem, and with mode `disable`.
TlsServerRef load_tls_server(const config::ListenTls& settings, TlsProblem& problem);
// Null only with a problem.
TlsClientRef load_tls_client(const config::ServerTls& settings, const std::string& host, TlsProblem& problem);

// Whether anything about these files has changed: names, sizes and times, in one string.
std::string tls_files_state(const config::Settings& settings);
// The same for one file.
std::string file_state(const std::string& path);

// RFC 5929, section 4.1, tls-server-end-point: the hash of the certificate, by its own signature's algorithm.
// Empty when that has none (Ed25519), so that no binding is possible.
ByteBuffer certificate_end_point(X509* certificate);

// What OpenSSL says about the last failure on this thread; clears it.
std::string tls_error(std::string_view otherwise);

}  // namespace pgweir
