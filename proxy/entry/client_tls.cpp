#include "proxy/entry/client_tls.hpp"

#include <memory>
#include <utility>

#include "proxy/net/tls_stream.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {
namespace {

Task<bool> shake_hands(SessionParts& p, ClientLogin& login) {
  std::unique_ptr<TlsStream> stream =
      TlsStream::accept(*login.tls(), p.link.transport.fd(), std::exchange(p.link.carry, {}));
  if (!stream) {
    p.life.end(Reason::internal_error);
    co_return false;
  }
  p.link.transport.start_tls(std::move(stream));
  HandshakeTurns::Place place(p.worker.handshake_turns(), p.waker);
  bool wants_write = false;
  bool has_bytes = login.is_direct();
  for (;;) {
    if (const auto why = p.life.interrupted()) {
      p.life.end(*why);
      co_return false;
    }
    const bool ready = wants_write ? p.link.transport.writable() : has_bytes || p.link.transport.readable();
    if (!ready || !place.take(p.worker.now())) {
      co_await p.waker.wait();
      continue;
    }
    has_bytes = false;
    const TimePoint began = Clock::now();
    const TlsStream::Handshake step = p.link.transport.handshake();
    place.step_ended(began, Clock::now());
    if (step == TlsStream::Handshake::done) co_return true;
    if (step == TlsStream::Handshake::failed) {
      p.life.end(Reason::tls_failed, p.link.transport.tls()->failure());
      co_return false;
    }
    wants_write = step == TlsStream::Handshake::wants_write;
  }
}

}  // namespace

// A direct handshake gets the bytes that have been read of it. overdue() keeps the deadline.
Task<bool> start_client_tls(SessionParts& p, ClientLogin& login) {
  const bool shaken = co_await shake_hands(p, login);
  // Without the protocol's name the connection may be meant for another service, by a client that was lured
  // here.
  const bool named = shaken && (!login.is_direct() || p.link.transport.tls()->alpn_chosen());
  (named ? p.worker.counters().tls_handshakes : p.worker.counters().tls_failures).add();
  if (shaken && !named) p.life.end(Reason::tls_failed, "direct TLS without the protocol's name by ALPN");
  if (named) login.tls_started(p.link.transport.tls()->peer_common_name());
  co_return named;
}

}  // namespace pgweir
