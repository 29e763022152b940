#include "proxy/backend/server_tls.hpp"

#include <array>

#include "protocol/startup.hpp"
#include "proxy/net/outgoing.hpp"

namespace pgweir {
namespace {

using Status = ServerTlsResult::Status;

ServerTlsResult timed_out() {
  return {Status::timed_out, "TLS: the server did not answer in time"};
}

ServerTlsResult lost(std::string_view why) {
  return {Status::lost, "TLS: " + std::string(why)};
}

ServerTlsResult refused(std::string_view why) {
  return {Status::refused, "TLS: " + std::string(why)};
}

// The server's one-letter answer, or why there is none.
struct SslAnswer {
  char letter = 0;
  bool with_more = false;  // bytes came with it
  ServerTlsResult trouble = {};
};

SslAnswer without(ServerTlsResult trouble) {
  return {0, false, std::move(trouble)};
}

Task<SslAnswer> ask_for_tls(Transport& transport, TimedWaker& clock) {
  Backlog request;
  ByteBuffer bytes;
  write_ssl_request(bytes);
  request.append(bytes);
  // There is room for one byte more than is due: see judge().
  std::array<Byte, 2> answer{};
  for (;;) {
    if (!request.flush(transport)) co_return without(lost("the server closed the connection"));
    const IoResult result = transport.read(answer);
    if (result.status == IoStatus::ok) co_return SslAnswer{static_cast<char>(answer[0]), result.size > 1};
    if (result.status != IoStatus::would_block)
      co_return without(lost("the server closed the connection when asked for TLS"));
    if (clock.expired()) co_return without(timed_out());
    co_await clock.waker().wait();
  }
}

// What happens to the connection before a handshake; `done` with 'S': the handshake is next.
ServerTlsResult judge(SslAnswer answer, config::TlsMode mode) {
  if (answer.trouble.status != Status::done) return std::move(answer.trouble);
  // The sender of an error here has not proved its identity, so its text is not passed on. An overloaded
  // server may send one.
  if (answer.letter == 'E') return lost("the server answered the request for TLS by an error");
  if (answer.letter != 'S' && answer.letter != 'N')
    return refused("this is no PostgreSQL server: it answered the request for TLS by something else");
  // More bytes could be taken for the server's own after the handshake (CVE-2021-23222).
  if (answer.with_more)
    return refused("the server sent unencrypted data after its answer; somebody may be in between");
  if (answer.letter == 'N' && mode != config::TlsMode::prefer)
    return refused("the server offers none, and tls.mode " + std::string(to_string(mode)) + " demands it");
  return {};
}

// A peer that closes the connection tells nothing: it may be starting, stopping, or of another kind.
ServerTlsResult failed(const TlsStream& stream, bool direct) {
  if (!stream.is_broken_off()) return refused(stream.failure());
  return lost(stream.failure() + (direct ? ", as PostgreSQL before 17 does with negotiation direct" : ""));
}

}  // namespace

Task<ServerTlsResult> start_server_tls(Transport& transport, TlsClientRef tls, TimedWaker& clock) {
  if (!tls || tls->mode == config::TlsMode::disable) co_return ServerTlsResult{};
  if (!tls->direct) {
    SslAnswer answer = co_await ask_for_tls(transport, clock);
    const bool plain = answer.letter == 'N';
    ServerTlsResult judged = judge(std::move(answer), tls->mode);
    if (judged.status != Status::done || plain) co_return judged;
  }
  std::unique_ptr<TlsStream> stream = TlsStream::connect(tls, transport.fd());
  if (!stream) co_return refused("libssl cannot use this host's name");
  transport.start_tls(std::move(stream));
  for (;;) {
    const TlsStream::Handshake step = transport.handshake();
    if (step == TlsStream::Handshake::done) break;
    if (step == TlsStream::Handshake::failed) co_return failed(*transport.tls(), tls->direct);
    if (clock.expired()) co_return timed_out();
    co_await clock.waker().wait();
  }
  if (tls->direct && !transport.tls()->alpn_chosen())
    co_return refused("the server did not choose the protocol \"postgresql\"; is it older than 17?");
  co_return ServerTlsResult{};
}

}  // namespace pgweir
