// Wakes a session of any worker, for classes that have something for a session and do not know it. Nothing
// happens when it has ended. Pure.
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
