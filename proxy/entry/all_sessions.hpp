// The sessions of all workers, as a client sees them that logs in or cancels. Thread rule: any thread.
#pragma once

#include <cstddef>
#include <memory>

#include "proxy/base/session_address.hpp"

namespace pgweir {

class AllSessions {
 public:
  virtual ~AllSessions() = default;
  // Counts sessions that are still logging in, too.
  virtual std::size_t count() const = 0;
  // `done` is kept until the cancel has been delivered or has turned out to be of no use.
  virtual void cancel(const SessionAddress& session, std::shared_ptr<void> done) = 0;
};

}  // namespace pgweir
