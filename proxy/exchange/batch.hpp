// A client's batch of messages, kept so that it can be sent again. Owned by a session. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/backend.hpp"
#include "protocol/bytes.hpp"
#include "protocol/statement_map.hpp"

namespace pgweir {

// A client's batch outside of a transaction, kept until its first answer: DDL may have made the server refuse
// its plan of a statement ("cached plan must not change result type"), which a statement parsed anew does not
// suffer from.
struct Batch {
  // Counts a reply to the client. False: it had this one before.
  bool note_reply(BackendType type);
  // Whether in these messages whatever runs the statement of this name also describes it first.
  static bool describes(ByteView messages, std::string_view name);
  // Whether its rows are asked for in binary, by a client that knows their types.
  static bool reads_binary(ByteView messages, std::string_view name);

  static constexpr std::size_t size_max = 16 * 1024;
  enum class State : std::uint8_t {
    none,    // cannot be sent again
    open,    // its Sync is still to come
    closed,  // all of it is in Backend::batch, and nothing follows it yet
  };
  State state = State::none;
  // What the client has got of the answer: acknowledgements, which come again the second time and are left
  // out then, or more than that.
  unsigned acknowledged = 0;
  bool answered = false;
  unsigned left_out = 0;  // how many are still to be left out
  // How often it has been sent again: DDL may come once more in between.
  static constexpr unsigned again_max = 3;
  unsigned again = 0;
  StatementRef stale;       // the statement that the server refused; its ReadyForQuery is not for the client
  bool renews = false;      // its name is to stand for a new one; otherwise it is only missing on the server
  std::string stale_name;   // the client's name for it
  bool needs_sync = false;  // refused before the client's Sync came: one of ours has to end the batch
};

}  // namespace pgweir
