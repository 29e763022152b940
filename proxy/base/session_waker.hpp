// Wakes a session of any worker: how those who serve sessions without knowing them tell that something has
// come. A session that has ended is not missed. Pure.
#pragma once

#include "proxy/base/session_address.hpp"

namespace pgweir {

class Worker;

class SessionWaker {
 public:
  virtual ~SessionWaker() = default;
  // `from`: the caller's worker.
  virtual void wake(const SessionAddress& session, const Worker& from) = 0;
};

}  // namespace pgweir
