// The client's side of a session: its messages, taken one by one, each forwarded, answered, refused, or held until
// there is a backend or an answer for it. Thread rule: the session's worker.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "protocol/framer.hpp"
#include "proxy/entry/session_parts.hpp"
#include "proxy/exchange/exchange.hpp"
#include "proxy/request/request_path.hpp"
#include "proxy/session/refusal.hpp"

namespace pgweir {

class ServerSide;

class ClientSide final {
 public:
  // A client that does not read its answers may have this much waiting before pgweir stops reading from it,
  // too.
  static constexpr std::size_t backlog_max = 256 * 1024;
  // A pipeline that has had its backend for this long gives it up where its batch ends, if other clients wait
  // for one.
  static constexpr std::chrono::milliseconds pipeline_turn{20};

  ClientSide(const SessionParts& parts, Exchange& exchange, ServerSide& server)
      : parts_(parts), x_(exchange), server_(server) {}

  // Reads what there is, once, and takes what can be taken.
  void read();
  bool may_read() const;
  // The message that waits for a backend gets an error instead, as if the server had said so.
  void refuse_waiting(Reason reason);
  // Whether the rest of a refused batch is still being skipped.
  bool is_refusing() const { return refusal_.skips(); }

 private:
  enum class Offer : std::uint8_t {
    taken,  // forwarded, answered, refused or discarded; or the session is over
    wait,   // offer it again when something has changed
    again,  // offer it again at once: there is a backend now
  };

  void read_once();
  void note_hangup();
  void consume(ByteView input);
  Offer offer(const Piece& piece);
  Offer offer_without_backend(const Piece& piece);
  bool must_yield_backend();
  void refuse(const Piece& piece);
  void keep(ByteView rest);

  const SessionParts& parts_;
  Exchange& x_;
  ServerSide& server_;
  RequestPath requests_{x_};
  Refusal refusal_;
};

}  // namespace pgweir
