#include "proxy/exchange/exchange.hpp"

#include <utility>

#include "proxy/listen/listen_hub.hpp"
#include "proxy/pool/pool.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {

// False: the session listens on its own backend, if at all.
bool Exchange::begin_listening() {
  if (pool == nullptr || pins.contains(Pin::session_mode)) return false;
  const auto it = client.view->find("client_encoding");
  std::string encoding = it == client.view->end() ? std::string() : it->second;
  if (listen && listen->encoding() == encoding) return true;
  if (listen && !listen->is_unused()) return false;
  std::shared_ptr<ListenHub> new_hub = pool->hub(encoding, worker);
  if (!new_hub) return false;
  leave_hub();
  hub = std::move(new_hub);
  listen = std::make_unique<ListenState>(
      [this](ListenChange change) { hub->change(subscriber(), std::move(change)); }, std::move(encoding));
  return true;
}

Subscriber Exchange::subscriber() const {
  return {worker.index(), session_id};
}

void Exchange::write_notifications(std::size_t limit) {
  Outgoing& out = worker.to_client();
  while (out.size() < limit) {
    const std::shared_ptr<const ByteBuffer> message = listen->take_held();
    if (!message) return;
    Writer(out.own()).raw(*message);
    out.end_own();
  }
}

void Exchange::begin_temporary(bool is_certain) {
  const bool was_presumed = backend->temporary_owner_before_presumed.value_or(0) != 0;
  if (is_certain) backend->temporary_owner_before_presumed.reset();
  if (backend->temporary_owner == session_id) {
    if (is_certain && was_presumed) backend->statements.parse_again_all_but(commons->names_question());
    return;
  }
  if (!is_certain) backend->temporary_owner_before_presumed = backend->temporary_owner;
  // pgweir's own question names its schemas.
  if (backend->temporary_owner != 0) backend->statements.parse_again_all_but(commons->names_question());
  backend->temporary_owner_before = std::exchange(backend->temporary_owner, session_id);
}

void Exchange::undo_temporary() {
  if (backend == nullptr || !backend->temporary_owner_before) return;
  backend->temporary_owner = *std::exchange(backend->temporary_owner_before, std::nullopt);
}

void Exchange::deny_temporary() {
  if (backend->temporary_owner != session_id || !backend->temporary_owner_before_presumed) return;
  backend->temporary_owner = *std::exchange(backend->temporary_owner_before_presumed, std::nullopt);
}

void Exchange::may_begin_temporary() {
  if (backend->temporary_owner == 0) backend->temporary_owner = session_id;
}

void Exchange::leave_hub() {
  if (hub) hub->leave(subscriber());
  if (next_hub) next_hub->leave(subscriber());
  hub.reset();
  next_hub.reset();
  listen.reset();
}

}  // namespace pgweir
