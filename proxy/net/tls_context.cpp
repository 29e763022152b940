#include "proxy/net/tls_context.hpp"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <cstring>
#include <ctime>

#include "proxy/net/pem_source.hpp"

namespace pgweir {
namespace {

// Cheapest first: a P-256 key exchange costs both sides twice what X25519 does.
constexpr const char* groups = "X25519:P-256:P-384";
constexpr const char* ciphers_12 = "ECDHE+AESGCM:ECDHE+CHACHA20";
constexpr const char* ciphers_13 =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
// One read brings as much as the server has sent, several records of a large result.
constexpr std::size_t server_read_buffer = 64 * 1024;

SslContext make_context(const SSL_METHOD* method) {
  SslContext context(SSL_CTX_new(method));
  if (!context) return nullptr;
  SSL_CTX* const c = context.get();
  SSL_CTX_set_options(c, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                             SSL_OP_IGNORE_UNEXPECTED_EOF);
  // Write buffers may move, because what could not be written is offered again out of a Backlog. OpenSSL
  // keeps its own buffers only while it uses them.
  SSL_CTX_set_mode(
      c, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(c, 1);
  SSL_CTX_set_default_passwd_cb(c, no_passphrase);
  const bool made = SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION) == 1 &&
                    SSL_CTX_set1_groups_list(c, groups) == 1 && SSL_CTX_set_cipher_list(c, ciphers_12) == 1 &&
                    SSL_CTX_set_ciphersuites(c, ciphers_13) == 1 &&
                    SSL_CTX_set_max_send_fragment(c, tls_record_max) == 1;
  return made ? std::move(context) : nullptr;
}

// A client that offers other protocols, but not this one, talks to the wrong port.
int select_alpn(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* offered,
                unsigned offered_size, void*) {
  for (unsigned at = 0; at < offered_size; at += 1U + offered[at]) {
    const std::string_view name(reinterpret_cast<const char*>(offered + at + 1), offered[at]);
    if (name != alpn_postgresql) continue;
    *out = offered + at + 1;
    *out_size = offered[at];
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

TlsProblem key_problem() {
  const unsigned long error = ERR_peek_error();
  const bool other_key =
      ERR_GET_LIB(error) == ERR_LIB_X509 && ERR_GET_REASON(error) == X509_R_KEY_VALUES_MISMATCH;
  if (other_key) return {"key_file", "does not belong to the certificate"};
  const std::string detail = tls_error("unknown error");
  return {"key_file", "no usable private key in PEM, without a passphrase: " + detail};
}

// The certificate with its chain, and the key that belongs to it.
bool use_identity(SSL_CTX* context, const std::string& cert_file, const std::string& key_file,
                  TlsProblem& problem) {
  if (!use_certificate_chain(context, cert_file)) {
    problem = {"cert_file", "no usable certificate in PEM: " + tls_error("unknown error")};
  } else if (!use_private_key(context, key_file)) {
    problem = key_problem();
  } else if (SSL_CTX_check_private_key(context) != 1) {
    problem = {"key_file", "does not belong to the certificate"};
  }
  return problem.message.empty();
}

bool trust(SSL_CTX* context, const char* key, const std::string& ca_file, TlsProblem& problem) {
  const bool loaded =
      ca_file.empty() ? SSL_CTX_set_default_verify_paths(context) == 1 : use_authorities(context, ca_file);
  if (!loaded) problem = {key, "no usable certificate in PEM: " + tls_error("unknown error")};
  return loaded;
}

std::int64_t expiry(const X509* certificate) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &parts) != 1) return 0;
  return ::timegm(&parts);
}

void add_file(std::string& out, const std::string& path) {
  if (path.empty()) return;
  struct stat info {};
  out += path;
  if (::stat(path.c_str(), &info) == 0) {
    for (const std::int64_t number :
         {static_cast<std::int64_t>(info.st_ino), static_cast<std::int64_t>(info.st_size),
          static_cast<std::int64_t>(info.st_mtim.tv_sec), static_cast<std::int64_t>(info.st_mtim.tv_nsec)})
      out += ' ' + std::to_string(number);
  }
  out += '\n';
}

int keep_session(SSL* ssl, SSL_SESSION* session) {
  const auto* const context =
      static_cast<const TlsClientContext*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  const std::lock_guard lock(context->mutex);
  context->session.reset(session);
  return 1;  // the session is kept
}

}  // namespace

std::string tls_error(std::string_view otherwise) {
  const unsigned long error = ERR_peek_last_error();
  const char* const reason = error != 0 ? ERR_reason_error_string(error) : nullptr;
  std::string text(reason != nullptr ? reason : otherwise);
  if (ERR_GET_LIB(ERR_peek_error()) == ERR_LIB_SYS) text = std::strerror(ERR_GET_REASON(ERR_peek_error()));
  ERR_clear_error();
  return text;
}

TlsServerRef load_tls_server(const config::ListenTls& settings, TlsProblem& problem) {
  if (settings.mode == config::TlsMode::disable) return nullptr;
  ERR_clear_error();
  auto made = std::make_shared<TlsServerContext>();
  made->context = make_context(TLS_server_method());
  SSL_CTX* const c = made->context.get();
  if (c == nullptr) {
    problem = {"", tls_error("libssl refused")};
    return nullptr;
  }
  // Neither cached sessions nor tickets: a client stays for long, and each ticket costs a write and a key's
  // protection.
  SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(c, SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(c, 0);
  SSL_CTX_set_alpn_select_cb(c, select_alpn, nullptr);
  if (!use_identity(c, settings.cert_file, settings.key_file, problem)) return nullptr;
  if (!settings.client_ca_file.empty()) {
    if (!trust(c, "client_ca_file", settings.client_ca_file, problem)) return nullptr;
    announce_authorities(c, settings.client_ca_file);
    SSL_CTX_set_verify(c, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  X509* const certificate = SSL_CTX_get0_certificate(c);
  made->end_point = certificate_end_point(certificate);
  made->expires = expiry(certificate);
  return made;
}

TlsClientRef load_tls_client(const config::ServerTls& settings, const std::string& host,
                             TlsProblem& problem) {
  auto made = std::make_shared<TlsClientContext>();
  made->mode = settings.mode;
  made->direct = settings.direct;
  made->host = host;
  made->identity = std::string(to_string(settings.mode)) + (settings.direct ? " direct" : "") + '\n';
  for (const std::string* file : {&settings.ca_file, &settings.cert_file, &settings.key_file})
    add_file(made->identity, *file);
  if (settings.mode == config::TlsMode::disable) return made;
  ERR_clear_error();
  made->context = make_context(TLS_client_method());
  SSL_CTX* const c = made->context.get();
  if (c == nullptr) {
    problem = {"", tls_error("libssl refused")};
    return nullptr;
  }
  SSL_CTX_set_default_read_buffer_len(c, server_read_buffer);
  SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_set_app_data(c, made.get());
  SSL_CTX_sess_set_new_cb(c, keep_session);
  if (!settings.cert_file.empty() && !use_identity(c, settings.cert_file, settings.key_file, problem))
    return nullptr;
  if (settings.mode == config::TlsMode::verify_ca || settings.mode == config::TlsMode::verify_full) {
    if (!trust(c, "ca_file", settings.ca_file, problem)) return nullptr;
    SSL_CTX_set_verify(c, SSL_VERIFY_PEER, nullptr);
  }
  return made;
}

std::string tls_files_state(const config::Settings& settings) {
  std::string state;
  const config::ListenTls& listen = settings.listen.tls;
  for (const std::string* file : {&listen.cert_file, &listen.key_file, &listen.client_ca_file})
    add_file(state, *file);
  for (const auto& [name, database] : settings.databases) {
    const config::ServerTls& tls = database.tls;
    for (const std::string* file : {&tls.ca_file, &tls.cert_file, &tls.key_file}) add_file(state, *file);
  }
  return state;
}

std::string file_state(const std::string& path) {
  std::string state;
  add_file(state, path);
  return state;
}

ByteBuffer certificate_end_point(X509* certificate) {
  int digest_nid = NID_undef;
  if (X509_get_signature_info(certificate, &digest_nid, nullptr, nullptr, nullptr) != 1) return {};
  if (digest_nid == NID_md5 || digest_nid == NID_sha1) digest_nid = NID_sha256;
  const EVP_MD* const digest = EVP_get_digestbynid(digest_nid);
  ByteBuffer hash(EVP_MAX_MD_SIZE);
  unsigned size = 0;
  if (digest == nullptr || X509_digest(certificate, digest, hash.data(), &size) != 1) return {};
  hash.resize(size);
  return hash;
}

}  // namespace pgweir
