#include "proxy/entry/client_link.hpp"

#include <string.h>

#include "protocol/authentication.hpp"
#include "proxy/entry/life.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {
namespace {

// Wipes bytes that may hold a password. An empty buffer has no address to pass.
void wipe(std::span<Byte> bytes) {
  if (!bytes.empty()) explicit_bzero(bytes.data(), bytes.size());
}

}  // namespace

bool ClientLink::flush() {
  if (gone) {
    worker_.to_client().clear();
    return true;
  }
  if (worker_.to_client().send(transport, backlog)) return true;
  backlog.clear();
  gone = true;
  return false;
}

// False: nothing has arrived, or the client is gone.
bool ClientLink::read_few(Life& life) {
  if (!backlog.empty() && !backlog.flush(transport)) return life.end(Reason::client_lost), false;
  if (!transport.readable()) return false;
  const IoResult result = transport.read(worker_.scratch());
  if (result.status == IoStatus::would_block) return false;
  if (result.status != IoStatus::ok) {
    life.end(result.status == IoStatus::closed ? Reason::client_closed : Reason::client_lost);
    return false;
  }
  const std::span<Byte> fresh = worker_.scratch().first(result.size);
  // One packet of the greatest size and the beginning of the next are all that a login needs.
  if (carry.size() + fresh.size() > 2 * authentication_message_max) {
    life.end(Reason::protocol_violation, "too much data before authentication");
    return false;
  }
  ByteBuffer joined;
  joined.reserve(carry.size() + fresh.size());
  joined.insert(joined.end(), carry.begin(), carry.end());
  joined.insert(joined.end(), fresh.begin(), fresh.end());
  wipe(fresh);
  carry.swap(joined);
  wipe(joined);
  return true;
}

// The bytes may hold a password, of which no copy is to stay in memory that is used again.
void ClientLink::drop(std::size_t count) {
  if (count == 0) return;
  ByteBuffer rest(carry.begin() + static_cast<std::ptrdiff_t>(count), carry.end());
  carry.swap(rest);
  wipe(rest);
}

// What the kernel has not sent yet counts, too: a slow reader's progress shows there long before there is
// room for more.
bool ClientLink::stalls(TimePoint now, std::chrono::milliseconds limit) {
  if (limit.count() == 0 || backlog.empty()) {
    stall_.stop();
    return false;
  }
  const std::optional<std::size_t> sent = transport.unacknowledged();
  return sent && stall_.look(now, backlog.size() + *sent) >= limit;
}

}  // namespace pgweir
