#include "proxy/session/session_notifier.hpp"

#include "proxy/session/session.hpp"
#include "proxy/session/session_directory.hpp"

namespace pgweir {

Session* SessionNotifier::find(unsigned worker, std::uint64_t session) const {
  return sessions_.of(worker).find(session);
}

void SessionNotifier::deliver(unsigned worker, std::span<const std::uint64_t> sessions,
                              const std::shared_ptr<const ByteBuffer>& message) {
  for (const std::uint64_t id : sessions) {
    if (Session* const session = find(worker, id)) session->on_notification(message);
  }
}

void SessionNotifier::listen_answered(unsigned worker, std::uint64_t id, ListenOutcome outcome) {
  if (Session* const session = find(worker, id)) session->on_listen_answer(outcome);
}

void SessionNotifier::listening_lost(unsigned worker, std::uint64_t id) {
  if (Session* const session = find(worker, id)) session->on_listening_lost();
}

}  // namespace pgweir
