// What a pool asks of the owner of all pools. Thread rule: any thread.
#pragma once

#include <memory>

namespace pgweir {

class Pool;
struct PoolTarget;

class PoolHost {
 public:
  virtual ~PoolHost() = default;
  // The server has taken the password of `target`. False: the configuration has changed since, or there are
  // too many pools.
  virtual bool publish(const std::shared_ptr<Pool>& pool,
                       const std::shared_ptr<const PoolTarget>& target) = 0;
  // What a fresh login gets has changed on the server of this pool: its backends are replaced, and those of
  // all other pools there.
  virtual void recycle(const Pool& changed) = 0;
};

}  // namespace pgweir
