// Statements that change nothing in this session, such as the resets of drivers' pools, need no server. Thread
// rule: the session's worker.
#pragma once

#include "protocol/framer.hpp"
#include "proxy/exchange/exchange.hpp"

namespace pgweir {

// Answers a client that has no backend. True: it has its answer.
bool reply_locally(const Piece& piece, Exchange& exchange, bool listens);

}  // namespace pgweir
