#include "proxy/pool/pool_cancel.hpp"

#include "protocol/startup.hpp"
#include "proxy/backend/server_tls.hpp"
#include "proxy/pool/pool_return.hpp"
#include "proxy/worker/connect.hpp"
#include "proxy/worker/spawn.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {
namespace {

// PostgreSQL closes the connection after it has signalled the backend: from then on the cancel cannot hit
// another client.
Task<> deliver_cancel(Worker& here, PoolCoreRef core, std::shared_ptr<Backend> backend,
                      std::shared_ptr<void> done) {
  const std::shared_ptr<const PoolTarget> target = core->plan().target;
  TimedWaker clock(here, cancel_timeout);
  Connected connected = co_await connect_to(here, target->address, clock);
  // The key is as secret as the connection on which it came.
  if (connected.error.empty()) {
    ServerTlsResult tls = co_await start_server_tls(connected.transport, target->tls, clock);
    connected.error = std::move(tls.problem);
  }
  if (connected.error.empty()) {
    Backlog request;
    ByteBuffer bytes;
    write_cancel_request(bytes, backend->pid, backend->cancel_secret);
    request.append(bytes);
    bool open = true;
    while (open && !clock.expired()) {
      if (!request.flush(connected.transport)) break;
      const IoResult result = connected.transport.read(here.scratch());
      open = result.status == IoStatus::would_block || result.status == IoStatus::ok;
      if (result.status == IoStatus::would_block) co_await clock.waker().wait();
    }
  }
  done.reset();
  const bool is_held_back = backend->cancels.end(connected.error.empty() && !clock.expired());
  // The session may have waited with a question of pgweir's.
  backend->transport.wake_watcher();
  if (is_held_back) give_back(*core, *backend, here);
}

}  // namespace

void begin_cancel(PoolCore& core, Backend& backend, Worker& here, std::shared_ptr<void> done) {
  if (!backend.cancels.begin()) return;
  here.counters().cancels_forwarded.add();
  std::shared_ptr<Backend> kept = backend.shared_from_this();
  spawn(here, deliver_cancel(here, core.ref(), std::move(kept), std::move(done)));
}

}  // namespace pgweir
