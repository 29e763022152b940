// Brings what hubs have to say to the sessions of all workers. Thread rule: see NotificationSink.
#pragma once

#include "proxy/listen/hub_outbox.hpp"

namespace pgweir {

class Session;
class SessionDirectories;

class SessionNotifier final : public NotificationSink {
 public:
  explicit SessionNotifier(const SessionDirectories& sessions) : sessions_(sessions) {}

  void deliver(unsigned worker, std::span<const std::uint64_t> sessions,
               const std::shared_ptr<const ByteBuffer>& message) override;
  void listen_answered(unsigned worker, std::uint64_t session, ListenOutcome outcome) override;
  void listening_lost(unsigned worker, std::uint64_t session) override;

 private:
  Session* find(unsigned worker, std::uint64_t session) const;

  const SessionDirectories& sessions_;
};

}  // namespace pgweir
