// The bytes that go to the server for one client: the client's own messages, and statements of pgweir's among
// them. A view of the exchange. Thread rule: the session's worker.
#pragma once

#include <string_view>

#include "protocol/framer.hpp"
#include "proxy/exchange/exchange.hpp"
#include "proxy/exchange/request_outcome.hpp"

namespace pgweir {

class ServerStream final {
 public:
  explicit ServerStream(Exchange& exchange) : x_(exchange) {}

  RequestDisposition forward(const Piece& piece, Expected&& expected);
  void forward_bytes(const Piece& piece);
  // What a Query changes by being sent, whatever its text is. The step of the message in hand goes with it.
  void begin_query(Expected& expected);
  // The step of the message in hand goes with it.
  void attach_step(Expected& expected);
  // Sends an own query between two transactions; its replies never reach the client.
  // `prepares`: the statement that it prepares by SQL, or null.
  void send_own(OwnQuery which, std::string_view sql, const StatementRef& prepares = nullptr);
  // Inserts a statement of pgweir's at this place of the stream; the client does not see its replies.
  Progress insert_statement(std::string_view sql, const StatementRef& prepares);
  void begin_fence();

 private:
  Exchange& x_;
};

}  // namespace pgweir
