#include "proxy/net/tls_stream.hpp"

#include <openssl/pem.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <numeric>

#include "proxy/net/unique_fd.hpp"

using namespace pgweir;
using Handshake = TlsStream::Handshake;

namespace {

// A certificate and its key in two files, which are gone at the end.
struct Identity {
  Identity() {
    std::string name = (std::filesystem::temp_directory_path() / "pgweir-tls-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    directory = name;
    EVP_PKEY* const key = EVP_EC_gen("P-256");
    X509* const certificate = X509_new();
    X509_set_version(certificate, X509_VERSION_3);
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    REQUIRE(X509_sign(certificate, key, EVP_sha256()) > 0);
    std::FILE* file = std::fopen((directory / "cert").c_str(), "w");
    REQUIRE(PEM_write_X509(file, certificate) == 1);
    std::fclose(file);
    file = std::fopen((directory / "key").c_str(), "w");
    REQUIRE(PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
    std::fclose(file);
    X509_free(certificate);
    EVP_PKEY_free(key);
  }
  ~Identity() { std::filesystem::remove_all(directory); }
  std::filesystem::path directory;
};

TlsServerRef server_context() {
  static const Identity identity;
  config::ListenTls settings;
  settings.mode = config::TlsMode::require;
  settings.cert_file = identity.directory / "cert";
  settings.key_file = identity.directory / "key";
  TlsProblem problem;
  TlsServerRef made = load_tls_server(settings, problem);
  REQUIRE(problem.message.empty());
  return made;
}

TlsClientRef client_context() {
  config::ServerTls settings;
  settings.mode = config::TlsMode::require;
  TlsProblem problem;
  TlsClientRef made = load_tls_client(settings, "localhost", problem);
  REQUIRE(problem.message.empty());
  return made;
}

// Both ends of a connection whose buffers take some kilobytes.
struct TlsFixture {
  TlsFixture() {
    std::array<int, 2> fds{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()) == 0);
    const int small = 4608;
    for (const int fd : fds) ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    server_fd = UniqueFd(fds[0]);
    client_fd = UniqueFd(fds[1]);
    server = TlsStream::accept(*context, server_fd.get(), {});
    client = TlsStream::connect(client_context(), client_fd.get());
    REQUIRE((server && client));
  }

  void shake() {
    Handshake at_server = Handshake::wants_read, at_client = Handshake::wants_read;
    for (int i = 0; i < 100 && (at_server != Handshake::done || at_client != Handshake::done); ++i) {
      if (at_client != Handshake::done) at_client = client->handshake();
      if (at_server != Handshake::done) at_server = server->handshake();
    }
    REQUIRE((at_server == Handshake::done && at_client == Handshake::done));
  }

  TlsServerRef context = server_context();
  UniqueFd server_fd, client_fd;
  std::unique_ptr<TlsStream> server, client;
};

ByteBuffer numbered(std::size_t size) {
  ByteBuffer out(size);
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<Byte>((i * 2654435761U) >> 13);
  return out;
}

IoResult write(TlsStream& to, ByteView bytes) {
  const iovec part{const_cast<Byte*>(bytes.data()), bytes.size()};
  return to.write({&part, 1});
}

// In pieces of growing size, some of them empty.
std::vector<iovec> cut(ByteBuffer& bytes) {
  std::vector<iovec> parts;
  std::size_t at = 0;
  for (std::size_t size = 0; at < bytes.size(); size = size * 3 % 20'011 + 1) {
    const std::size_t now = std::min(size, bytes.size() - at);
    parts.push_back({bytes.data() + at, now});
    at += now;
  }
  return parts;
}

}  // namespace

TEST_CASE("what goes in comes out, through a socket that hardly ever takes a record whole") {
  TlsFixture f;
  f.shake();
  ByteBuffer sent = numbered(500'000);
  const std::vector<iovec> parts = cut(sent);
  std::size_t written = 0, blocked = 0;
  ByteBuffer heard;
  std::array<Byte, 3'000> into;
  while (heard.size() < sent.size()) {
    // At first as a list of parts, then, as from a Backlog, in one piece.
    const IoResult out =
        written == 0 ? f.server->write(parts) : write(*f.server, ByteView(sent).subspan(written));
    REQUIRE((out.status == IoStatus::ok || out.status == IoStatus::would_block));
    blocked += out.status == IoStatus::would_block ? 1 : 0;
    written += out.size;
    const IoResult in = f.client->read(into);
    REQUIRE((in.status == IoStatus::ok || in.status == IoStatus::would_block));
    heard.insert(heard.end(), into.begin(), into.begin() + static_cast<std::ptrdiff_t>(in.size));
  }
  CHECK(blocked > 10);
  CHECK(written == sent.size());
  CHECK(heard == sent);
}

TEST_CASE("what was decrypted and not taken is pending, though the socket has nothing more") {
  TlsFixture f;
  f.shake();
  const ByteBuffer sent = numbered(100);
  REQUIRE(write(*f.client, sent).size == 100);
  std::array<Byte, 90> into;
  IoResult in = f.server->read(std::span(into).first(10));
  CHECK(in.size == 10);
  CHECK(f.server->pending());
  CHECK(f.server->drained());
  in = f.server->read(into);
  CHECK(in.size == 90);
  CHECK_FALSE(f.server->pending());
  CHECK(std::equal(into.begin(), into.end(), sent.begin() + 10));
  CHECK(f.server->read(into).status == IoStatus::would_block);
}

TEST_CASE("what a client says right behind its handshake is pending when that is over") {
  TlsFixture f;
  REQUIRE(f.client->handshake() == Handshake::wants_read);
  REQUIRE(f.server->handshake() == Handshake::wants_read);
  REQUIRE(f.client->handshake() == Handshake::done);
  REQUIRE(write(*f.client, numbered(5)).size == 5);
  REQUIRE(f.server->handshake() == Handshake::done);
  CHECK(f.server->pending());
  std::array<Byte, 10> into;
  CHECK(f.server->read(into).size == 5);
}

TEST_CASE("a handshake goes on from what was read off the socket before") {
  const std::size_t share = GENERATE(1, 5, 100, 1'000);
  TlsFixture f;
  REQUIRE(f.client->handshake() == Handshake::wants_read);
  ByteBuffer received(share);
  const ssize_t n = ::recv(f.server_fd.get(), received.data(), received.size(), 0);
  REQUIRE(n > 0);
  received.resize(static_cast<std::size_t>(n));
  f.server = TlsStream::accept(*f.context, f.server_fd.get(), received);
  f.shake();
  CHECK(f.server->alpn_chosen());
  CHECK(f.client->peer_end_point() == f.context->end_point);
}

TEST_CASE("a peer that closes has closed, with a word or without") {
  const bool polite = GENERATE(true, false);
  TlsFixture f;
  f.shake();
  REQUIRE(write(*f.client, numbered(5)).size == 5);
  if (polite) f.client->close_notify();
  f.client_fd.reset();
  std::array<Byte, 10> into;
  CHECK(f.server->read(into).size == 5);
  CHECK(f.server->read(into).status == IoStatus::closed);
  CHECK(f.server->read(into).status == IoStatus::closed);
  CHECK(f.server->failure().empty());
}

TEST_CASE("what is written to a peer that has closed fails, also after its goodbye") {
  const bool polite = GENERATE(true, false);
  TlsFixture f;
  f.shake();
  if (polite) f.client->close_notify();
  f.client_fd.reset();
  std::array<Byte, 10> into;
  if (GENERATE(true, false)) CHECK(f.server->read(into).status == IoStatus::closed);
  const IoResult result = write(*f.server, numbered(5));
  CHECK(result.status == IoStatus::failed);
  CHECK(result.size == 0);
}

TEST_CASE("a peer that closes in a handshake has broken it off") {
  TlsFixture f;
  REQUIRE(f.client->handshake() == Handshake::wants_read);
  f.server_fd.reset();
  REQUIRE(f.client->handshake() == Handshake::failed);
  CHECK(f.client->is_broken_off());
}

TEST_CASE("what is no TLS is refused, with a reason") {
  TlsFixture f;
  REQUIRE(::send(f.client_fd.get(), "GET / HTTP/1.1\r\n\r\n", 18, 0) == 18);
  REQUIRE(f.server->handshake() == Handshake::failed);
  CHECK(f.server->failure() == "http request");
  CHECK_FALSE(f.server->is_broken_off());
}

TEST_CASE("a record that was tampered with ends the connection, behind what came before it") {
  TlsFixture f;
  f.shake();
  REQUIRE(write(*f.client, numbered(5)).size == 5);
  const Byte forged[] = {23, 3,  3,  0,  20, 1,  2,  3,  4,  5,  6,  7, 8,
                         9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20};
  REQUIRE(::send(f.client_fd.get(), forged, sizeof forged, 0) == sizeof forged);
  std::array<Byte, 10> into;
  CHECK(f.server->read(into).size == 5);
  CHECK(f.server->pending());
  CHECK(f.server->read(into).status == IoStatus::failed);
  CHECK_FALSE(f.server->failure().empty());
}

namespace {

// A client that is OpenSSL itself, on the socket of a TlsFixture.
struct RawClient {
  explicit RawClient(TlsFixture& f) : context(SSL_CTX_new(TLS_client_method())), ssl(SSL_new(context)) {
    f.client.reset();
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE);
    SSL_set_fd(ssl, f.client_fd.get());
    SSL_set_connect_state(ssl);
    for (int i = 0; i < 100 && !f.server->established(); ++i) {
      SSL_do_handshake(ssl);
      f.server->handshake();
    }
    REQUIRE(f.server->established());
  }
  ~RawClient() {
    SSL_free(ssl);
    SSL_CTX_free(context);
  }
  SSL_CTX* context;
  SSL* ssl;
};

}  // namespace

TEST_CASE("a client may ask for new keys, also while it takes nothing") {
  const bool full = GENERATE(false, true);
  TlsFixture f;
  RawClient peer(f);
  const ByteBuffer sent = numbered(100'000);
  std::size_t written = 0;
  if (full) {
    const IoResult out = write(*f.server, sent);
    REQUIRE(out.status == IoStatus::would_block);
    written = out.size;
  }
  REQUIRE(SSL_key_update(peer.ssl, SSL_KEY_UPDATE_REQUESTED) == 1);
  REQUIRE(SSL_write(peer.ssl, "hello", 5) == 5);
  ByteBuffer heard, answer;
  std::array<Byte, 4'000> into;
  for (int i = 0; i < 10'000 && (heard.size() < 5 || answer.size() < sent.size()); ++i) {
    const IoResult in = f.server->read(into);
    REQUIRE((in.status == IoStatus::ok || in.status == IoStatus::would_block));
    heard.insert(heard.end(), into.begin(), into.begin() + static_cast<std::ptrdiff_t>(in.size));
    if (written < sent.size()) {
      const IoResult out = write(*f.server, ByteView(sent).subspan(written));
      REQUIRE((out.status == IoStatus::ok || out.status == IoStatus::would_block));
      written += out.size;
    }
    const int n = SSL_read(peer.ssl, into.data(), static_cast<int>(into.size()));
    if (n > 0) answer.insert(answer.end(), into.begin(), into.begin() + n);
  }
  CHECK(as_text(heard) == "hello");
  CHECK(answer == sent);
}
