// Client to server: decides, message by message, what goes to the backend, under which names, and what else
// has to go before it. No socket: it changes the Exchange and what the sessions of the pool share, and appends
// to the worker's Outgoing buffers. Each part of what it does has an object of its own, which works on the
// same Exchange: ExtendedPath, SqlNames, StatementProvider, StateNotes, SequenceGuard, StartupRestorer,
// ListenFollower. Thread rule: the session's worker.
#pragma once

#include "protocol/framer.hpp"
#include "proxy/base/counters.hpp"
#include "proxy/exchange/exchange.hpp"
#include "proxy/exchange/request_outcome.hpp"

namespace pgweir {

class RequestPath final {
 public:
  explicit RequestPath(Exchange& exchange) : x_(exchange) {}

  RequestDisposition take(const Piece& piece);

 private:
  bool owes_answers() const;
  RequestDisposition take_first(const Piece& piece);
  RequestDisposition take_rest(const Piece& piece);
  RequestDisposition take_copy(const Piece& piece);
  RequestDisposition take_sync(const Piece& piece);
  RequestDisposition take_function_call(const Piece& piece);
  RequestDisposition take_query(const Piece& piece);
  RequestDisposition counted(RequestDisposition disposition, Counter PoolCounters::*counter);

  Exchange& x_;
  bool discarding_rest_ = false;  // of a streamed message
};

}  // namespace pgweir
