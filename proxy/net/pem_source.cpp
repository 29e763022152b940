#include "proxy/net/pem_source.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <memory>

#include "config/environment.hpp"

namespace pgweir {
namespace {

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
struct FreeCertificate {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using Bio = std::unique_ptr<BIO, FreeBio>;
using Certificate = std::unique_ptr<X509, FreeCertificate>;
using Key = std::unique_ptr<EVP_PKEY, FreeKey>;

constexpr std::size_t pem_max = 1024 * 1024;

// The text is the caller's, and outlives the BIO.
std::string text_of(const std::string& name) {
  return config::process_environment().read_file(name, pem_max).text;
}
Bio read_only(const std::string& text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

Certificate next_certificate(BIO* bio) {
  return Certificate(PEM_read_bio_X509(bio, nullptr, no_passphrase, nullptr));
}

// After the last certificate OpenSSL complains that no other begins.
bool at_end() {
  const unsigned long error = ERR_peek_last_error();
  if (ERR_GET_LIB(error) != ERR_LIB_PEM || ERR_GET_REASON(error) != PEM_R_NO_START_LINE) return false;
  ERR_clear_error();
  return true;
}

// Hands every certificate to `take`; false when there is none, one is broken, or `take` refuses it.
template <typename Take>
bool each_certificate(const std::string& name, Take take) {
  const std::string text = text_of(name);
  const Bio bio = read_only(text);
  std::size_t taken = 0;
  for (Certificate certificate; (certificate = next_certificate(bio.get())); ++taken) {
    if (!take(certificate.get())) return false;
  }
  return taken > 0 && at_end();
}

}  // namespace

int no_passphrase(char*, int, int, void*) {
  return -1;
}

bool use_certificate_chain(SSL_CTX* context, const std::string& name) {
  if (!config::names_variable(name)) return SSL_CTX_use_certificate_chain_file(context, name.c_str()) == 1;
  SSL_CTX_clear_chain_certs(context);
  bool first = true;
  return each_certificate(name, [&](X509* certificate) {
    if (!first) return SSL_CTX_add1_chain_cert(context, certificate) == 1;
    first = false;
    return SSL_CTX_use_certificate(context, certificate) == 1;
  });
}

bool use_private_key(SSL_CTX* context, const std::string& name) {
  if (!config::names_variable(name))
    return SSL_CTX_use_PrivateKey_file(context, name.c_str(), SSL_FILETYPE_PEM) == 1;
  const std::string text = text_of(name);
  const Bio bio = read_only(text);
  const Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  return key && SSL_CTX_use_PrivateKey(context, key.get()) == 1;
}

bool use_authorities(SSL_CTX* context, const std::string& name) {
  if (!config::names_variable(name)) return SSL_CTX_load_verify_file(context, name.c_str()) == 1;
  X509_STORE* const store = SSL_CTX_get_cert_store(context);
  return each_certificate(
      name, [store](X509* certificate) { return X509_STORE_add_cert(store, certificate) == 1; });
}

bool announce_authorities(SSL_CTX* context, const std::string& name) {
  if (!config::names_variable(name)) {
    SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(name.c_str()));
    return true;
  }
  return each_certificate(
      name, [context](X509* certificate) { return SSL_CTX_add_client_CA(context, certificate) == 1; });
}

}  // namespace pgweir
