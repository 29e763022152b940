// What has to be known of a client's batch so that it can be sent again; its bytes are in Backend::kept_batch, and what
// its client's names stood for before it is in Backend::kept_names. Owned by a session. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/bytes.hpp"
#include "protocol/message.hpp"
#include "protocol/statement_map.hpp"

namespace pgweir {

// A client's batch outside of a transaction, kept until its first answer. DDL may make the server refuse a
// statement's plan ("cached plan must not change result type"); the batch succeeds when the statement is
// parsed anew.
struct Batch {
  // Counts a reply to the client. False: the client has had this one before.
  bool note_reply(BackendType type);
  // Whether these messages describe the statement of this name each time before they run it.
  static bool describes(ByteView messages, std::string_view name);
  // Whether the statement's rows are asked for in binary, by a client that knows their types.
  static bool reads_binary(ByteView messages, std::string_view name);
  // Whether a Bind of it counts its columns, so that it fits no others, whatever is described behind it.
  static bool counts_columns(ByteView messages, std::string_view name);

  static constexpr std::size_t size_max = 16 * 1024;
  enum class State : std::uint8_t {
    none,    // cannot be sent again
    open,    // its Sync is still to come
    closed,  // all of it is in Backend::kept_batch, and nothing follows it yet
  };
  State state = State::none;
  bool may_be_sent_again() const { return state != State::none && !answered; }
  // It is sent again: what the client has got is left out.
  void leave_out_acknowledged();
  // How many acknowledgements there were since it was sent. When it is sent again they come again, and are left out.
  // If the client has got more than that, `answered` is true.
  unsigned acknowledged = 0;
  bool answered = false;
  unsigned left_out = 0;  // how many are still to be left out
  // How often the batch may be sent again: DDL may come once more in between.
  static constexpr unsigned again_max = 3;
  unsigned again = 0;
  StatementRef stale;       // the statement that the server refused; its ReadyForQuery is not for the client
  bool renews = false;      // its name gets a new statement; otherwise it is only missing on the server
  std::string stale_name;   // the client's name for the statement
  bool needs_sync = false;  // refused before the client's Sync came: a Sync of pgweir's has to end the batch
};

}  // namespace pgweir
