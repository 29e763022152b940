// The client's end of a session: its socket, what has arrived and was not taken yet, and what waits to be sent.
// Thread rule: the session's worker.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <utility>

#include "protocol/framer.hpp"
#include "proxy/net/outgoing.hpp"
#include "proxy/net/stall_clock.hpp"
#include "proxy/net/transport.hpp"

namespace pgweir {

struct Life;
class Worker;

class ClientLink {
 public:
  ClientLink(Worker& worker, UniqueFd fd, std::string address)
      : transport(std::move(fd)), peer(std::move(address)), worker_(worker) {}

  Transport transport;
  std::string peer;  // host:port, the client's own even behind a load balancer
  Framer framer{frontend_rule};
  ByteBuffer carry;  // received, not yet consumed
  Backlog backlog;
  bool eof = false;   // the client has closed its direction
  bool gone = false;  // nobody reads our answers any more
  // The message that `carry` starts with has to wait.
  struct Held {
    bool is_held = false;
    bool begins_batch = false;
    bool flush_asked = false;  // a Flush of ours is under way, so that what it waits for comes
  };
  Held held;
  TimePoint eof_at{};

  // Sends what was written for the client, and keeps the rest. False: it has gone, as has just turned out.
  bool flush();
  // While it logs in, a client has little to say. False: nothing has arrived, or it has ended.
  bool read_few(Life& life);
  // There may be a password in them, of which no copy is to stay in memory that is used again.
  void drop(std::size_t count);
  // It has taken nothing of what waits for it for so long.
  bool stalls(TimePoint now, std::chrono::milliseconds limit);

 private:
  Worker& worker_;
  StallClock stall_;
};

}  // namespace pgweir
