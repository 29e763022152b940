#include "proxy/session/farewell.hpp"

#include "proxy/worker/worker.hpp"

namespace pgweir {

Task<> say_goodbye(const SessionParts& p, bool may_speak, Counter* sent) {
  const bool stalled = p.life.reason == Reason::client_write_timeout;
  const bool reachable =
      p.link.transport.is_open() && p.life.reason != Reason::client_lost && !stalled && !p.link.gone;
  // In the middle of a handshake there is no way to say anything but TLS's own alert, which has been sent.
  const bool alerted = p.link.transport.shakes_hands();
  if (alerted) p.link.transport.give_up_tls();
  if (reachable) {
    if (!alerted && may_speak)
      write_reason(p.worker.to_client().own(), p.life.reason, p.life.message(), p.life.sqlstate(), "FATAL");
    p.worker.to_client().end_own();
    const bool told = alerted || !p.worker.to_client().empty() || !p.link.backlog.empty();
    if (sent != nullptr) sent->add(p.worker.to_client().size());
    p.link.flush();
    const TimePoint until = p.worker.now() + linger_timeout;
    p.life.closes_at = until;
    while (told && !p.link.gone && !p.link.backlog.empty() && p.worker.now() < until) {
      co_await p.waker.wait();
      if (!p.link.backlog.flush(p.link.transport)) break;
    }
    if (told && !p.link.gone && !p.link.eof) p.link.transport.shutdown_write();
    while (told && !p.link.gone && !p.link.eof && p.worker.now() < until) {
      const IoResult result = p.link.transport.read(p.worker.scratch());
      if (result.status == IoStatus::closed || result.status == IoStatus::failed) break;
      if (result.status == IoStatus::ok) p.waker.wake();  // other sessions get their turn
      co_await p.waker.wait();
    }
  }
  p.link.gone = true;
  p.link.backlog.clear();
  p.worker.to_client().clear();
  // The kernel would keep the unsent bytes for minutes, and hand them out as if they were the whole answer.
  if (stalled) p.link.transport.abort();
  p.link.transport.close();
}

}  // namespace pgweir
