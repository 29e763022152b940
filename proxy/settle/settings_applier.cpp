#include "proxy/settle/settings_applier.hpp"

#include <memory>
#include <utility>

#include "protocol/sqlstate.hpp"
#include "proxy/exchange/server_stream.hpp"
#include "proxy/pool/pool_commons.hpp"
#include "proxy/state/prelude.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {

bool SettingsApplier::apply_changed() {
  Backend& backend = *x_.backend;
  const MapRef& desired = x_.client.desired;
  if (!x_.tracker.settled()) return true;
  if (same(backend.applied, desired)) {
    backend.applied = desired;
    return true;
  }
  const std::shared_ptr<const Prelude> prelude =
      x_.other_role.is_needed
          ? std::make_shared<const Prelude>(make_prelude(*backend.applied, *desired, *x_.other_role.settings))
          : x_.worker.settings_memo().prelude(backend.applied, desired);
  ServerStream(x_).send_own(OwnQuery::prelude, prelude->sql);
  x_.commons->counters(x_.worker).prelude_sent.add();
  before_ = std::exchange(backend.applied, desired);
  must_succeed_ = prelude->must_wait;
  return !prelude->must_wait;
}

// What the client has sent after it may have run under another client's settings by now: then it is not known
// what the backend has.
SettingsApplier::Failure SettingsApplier::failed() {
  if (needs_other_role()) {
    x_.other_role.is_needed = true;
    x_.backend->applied = before_;
    x_.watch.marks.erase(Mark::failed);
    return Failure::as_other_role;
  }
  const bool unused = !x_.forwarded && !x_.pinned() && x_.client.greeted;
  // Another backend accepted these settings once.
  if (unused && ++failures_ < attempts_max) return Failure::other_backend;
  x_.backend->applied = before_;
  x_.own.failed = x_.forwarded;
  return Failure::refused;
}

// The login role may not be allowed to set what the client has set as another role. Nothing of the client's
// has gone out yet.
bool SettingsApplier::needs_other_role() const {
  const bool denied = x_.own.error && x_.own.error->code == sqlstate::insufficient_privilege;
  return denied && must_succeed_ && x_.client.greeted && !x_.other_role.is_needed && x_.other_role.settings;
}

}  // namespace pgweir
