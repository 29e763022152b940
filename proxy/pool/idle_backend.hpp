// A backend that no client has: moving it to another worker, and reading what it says unasked. Thread rule:
// `here` is the caller's worker, and the backend is the caller's alone.
#pragma once

#include <optional>

#include "proxy/backend/backend.hpp"
#include "proxy/base/backend_reason.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {

// Brings a backend to this worker. No Waker watches it, so its last worker need not take part. False: the
// backend has become unusable.
inline bool settle_here(Backend& backend, Worker& here) {
  if (backend.worker == here.index() && backend.transport.attached()) return true;
  backend.transport.detach();
  backend.worker = here.index();
  return backend.transport.attach(here.reactor(), nullptr);
}

// Whether the server had said nothing before the client's message came, so that no recv has to find that out.
// Of a backend that was on another worker, this one knows nothing yet.
inline bool is_silent(const Backend& backend, const Worker& here) {
  return backend.worker == here.index() && backend.transport.attached() && !backend.transport.readable() &&
         backend.carry.empty() && here.reactor().fetched_all();
}

// What an idle server says belongs to no client: parameters change with a reload of its configuration, a
// notice is dropped, anything else (its last words, usually) ends the connection. Without this a statement
// would be sent to a server that is known to be gone. Returns why the backend has become unusable, if it has.
std::optional<BackendClose> absorb_idle_input(Backend& backend, Worker& here);

}  // namespace pgweir
