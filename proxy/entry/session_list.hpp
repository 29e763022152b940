// The lists of sessions, as a session sees them.
#pragma once

#include <cstdint>
#include <memory>

#include "proxy/base/session_address.hpp"

namespace pgweir {

class Session;

// The sessions of one worker. Thread rule: the worker's thread.
class SessionList {
 public:
  virtual ~SessionList() = default;
  // Returns the id by which the session is found as long as it is on the list.
  virtual std::uint64_t enlist(Session& session) = 0;
  virtual void delist(std::uint64_t session) = 0;
};

// The sessions of all workers. Thread rule: any thread.
class AllSessions {
 public:
  virtual ~AllSessions() = default;
  // Counts sessions that are still logging in, too.
  virtual std::size_t count() const = 0;
  // `done` is kept until the cancel has been delivered or has turned out to be of no use.
  virtual void cancel(const SessionAddress& session, std::shared_ptr<void> done) = 0;
};

}  // namespace pgweir
