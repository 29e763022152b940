// The sessions of one worker, as a session sees them. Thread rule: the worker's thread.
#pragma once

#include <cstdint>

namespace pgweir {

class Session;

class SessionList {
 public:
  virtual ~SessionList() = default;
  // Returns the id by which the session is found as long as it is on the list.
  virtual std::uint64_t enlist(Session& session) = 0;
  virtual void delist(std::uint64_t session) = 0;
};

}  // namespace pgweir
