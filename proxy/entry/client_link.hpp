// The client's end of a session: its socket, what has arrived and was not taken yet, and what waits to be sent.
// Thread rule: the session's worker.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
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
  bool eof = false;   // the client has closed its direction, and all that it had sent was read
  bool gone = false;  // the client does not read any more
  // offered: what the message waited for may have come, and the next turn finds out.
  enum class Wait : std::uint8_t { none, waits, offered };
  // The message that `carry` starts with has to wait.
  struct Held {
    Wait wait = Wait::none;
    bool begins_batch = false;
    bool flush_asked = false;  // a Flush of pgweir's is under way, so that the awaited answers come

    bool is_held() const { return wait == Wait::waits; }
    bool is_waiting() const { return wait != Wait::none; }
  };
  Held held;
  // What the message waits for may have come: the next turn offers it again.
  void offer_again() {
    if (held.is_held()) held.wait = Wait::offered;
  }
  // When it was seen that the client has closed its direction, read to its end or not.
  TimePoint eof_at{};
  bool is_leaving() const { return eof_at != TimePoint{}; }

  // Sends what was written for the client, and keeps the rest. False: the client turned out to be gone.
  bool flush();
  // A client that logs in sends little, and is read in small steps. False: nothing has arrived, or the
  // session ends.
  bool read_few(Life& life);
  // Forgets the first bytes of `carry`. They may hold a password, of which no copy is to stay in memory that
  // is used again.
  void drop(std::size_t count);
  // Whether the client has taken nothing of what waits for it for this long.
  bool stalls(TimePoint now, std::chrono::milliseconds limit);

 private:
  Worker& worker_;
  StallClock stall_;
};

}  // namespace pgweir
