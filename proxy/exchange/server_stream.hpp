// The bytes that go to the server for one client: the client's own messages, and statements of pgweir's among
// them. Keeps nothing itself: works on the session's Exchange. Thread rule: the session's worker.
#pragma once

#include <string_view>

#include "protocol/framer.hpp"
#include "proxy/exchange/exchange.hpp"
#include "proxy/exchange/request_outcome.hpp"

namespace pgweir {

// Behind StatementCache::own_name(): the statement that prepares another one in the middle of a batch.
constexpr std::string_view preparing_suffix = "p";

class ServerStream final {
 public:
  explicit ServerStream(Exchange& exchange) : x_(exchange) {}

  RequestDisposition forward(const Piece& piece, Expected&& expected);
  // The client's message has been written anew to Outgoing::own(), and goes out like that.
  RequestDisposition forward_rewritten(Expected&& expected);
  void forward_bytes(const Piece& piece);
  // Notes what a Query of the client's changes by being sent, whatever its text is, and attaches the step of
  // the message in hand to it. The Query itself is sent by the caller.
  void note_query_sent(Expected& expected);
  // The step of the message in hand is carried out when what is `expected` has been answered. One that changes nothing is
  // dropped.
  void attach_step(Expected& expected);
  // Sends an own query between two transactions; its replies never reach the client.
  // `prepares`: the statement that it prepares by SQL, or null.
  void send_own(OwnQuery which, std::string_view sql, const StatementRef& prepares = nullptr);
  // Inserts a statement of pgweir's at this place of the stream; the client does not see its replies.
  Progress insert_statement(std::string_view sql, const StatementRef& prepares);
  // Sends the Sync that ends messages of pgweir's own.
  void send_own_sync();
  // Sends the messages of the tracker's needs_fence().
  void send_fence();

 private:
  bool is_repetition() const;

  Exchange& x_;
};

}  // namespace pgweir
