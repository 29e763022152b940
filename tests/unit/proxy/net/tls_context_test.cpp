#include "proxy/net/tls_context.hpp"

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <catch2/catch.hpp>
#include <memory>

using namespace pgweir;

namespace {

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

// Signed by itself. Without a digest: by an algorithm that has none of its own, Ed25519.
Certificate make(const EVP_MD* digest) {
  const Key key(digest != nullptr ? EVP_EC_gen("P-256") : EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"),
                EVP_PKEY_free);
  Certificate certificate(X509_new(), X509_free);
  X509_set_version(certificate.get(), X509_VERSION_3);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  REQUIRE(X509_set_pubkey(certificate.get(), key.get()) == 1);
  REQUIRE(X509_sign(certificate.get(), key.get(), digest) > 0);
  return certificate;
}

ByteBuffer hash(const Certificate& certificate, const EVP_MD* digest) {
  ByteBuffer out(static_cast<std::size_t>(EVP_MD_get_size(digest)));
  REQUIRE(X509_digest(certificate.get(), digest, out.data(), nullptr) == 1);
  return out;
}

}  // namespace

TEST_CASE("RFC 5929: a certificate is hashed as it is signed, but never by SHA-1") {
  struct Case {
    const char* name;
    const EVP_MD* signed_by;
    const EVP_MD* hashed_by;
  };
  const Case cases[] = {
      {"SHA-256", EVP_sha256(), EVP_sha256()},
      {"SHA-384", EVP_sha384(), EVP_sha384()},
      {"SHA-512", EVP_sha512(), EVP_sha512()},
      {"SHA-1", EVP_sha1(), EVP_sha256()},
  };
  for (const Case& c : cases) {
    INFO(c.name);
    const Certificate certificate = make(c.signed_by);
    CHECK(certificate_end_point(certificate.get()) == hash(certificate, c.hashed_by));
  }
}

TEST_CASE("a signature that hashes by itself gives nothing to bind to") {
  CHECK(certificate_end_point(make(nullptr).get()).empty());
}

TEST_CASE("mode disable needs no files, and any other tells which it lacks") {
  TlsProblem problem;
  config::ListenTls listen;
  CHECK(load_tls_server(listen, problem) == nullptr);
  CHECK(problem.message.empty());
  listen.mode = config::TlsMode::prefer;
  listen.cert_file = "/nowhere/at/all.crt";
  CHECK(load_tls_server(listen, problem) == nullptr);
  CHECK(problem.key == "cert_file");
  CHECK(problem.message.find("No such file") != std::string::npos);
}

TEST_CASE("contexts for servers have the same identity exactly when nothing differs") {
  const auto identity = [](const config::ServerTls& tls) {
    TlsProblem problem;
    const TlsClientRef made = load_tls_client(tls, "db.example.com", problem);
    REQUIRE(made != nullptr);
    return made->identity;
  };
  config::ServerTls tls;
  tls.mode = config::TlsMode::require;
  const std::string before = identity(tls);
  CHECK(identity(tls) == before);
  tls.direct = true;
  CHECK(identity(tls) != before);
  tls.direct = false;
  tls.mode = config::TlsMode::prefer;
  CHECK(identity(tls) != before);
}
