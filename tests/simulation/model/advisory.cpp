#include "tests/simulation/model/advisory.hpp"

#include "tests/simulation/model/cluster.hpp"

namespace pgweir::simulation {

LockKey AdvisoryLocks::key_of(const std::vector<Value>& key) const {
  if (key.size() == 1)
    return {LockKey::Kind::advisory, s_.database, static_cast<std::uint64_t>(std::stoll(*key[0]))};
  const auto half = [](const Value& value) { return static_cast<std::uint32_t>(std::stoll(*value)); };
  return {LockKey::Kind::advisory_pair, s_.database, std::uint64_t{half(key[0])} << 32 | half(key[1])};
}

bool AdvisoryLocks::take(const std::vector<Value>& key, LockMode mode, bool of_session, bool waits) {
  const int level = of_session ? 0 : s_.transaction.level();
  LockTable& locks = s_.cluster.locks();
  if (!waits) return locks.try_acquire(s_.pid, key_of(key), mode, level);
  if (!locks.acquire(s_.pid, key_of(key), mode, level)) throw Blocked{true, {}};
  return true;
}

bool AdvisoryLocks::release(const std::vector<Value>& key, LockMode mode) {
  if (s_.cluster.locks().release(s_.pid, key_of(key), mode)) {
    s_.cluster.wake_waiting();
    return true;
  }
  s_.notice("WARNING", "01000",
            std::string("you don't own a lock of type ") +
                (mode == LockMode::shared ? "ShareLock" : "ExclusiveLock"));
  return false;
}

void AdvisoryLocks::release_all() {
  s_.cluster.locks().release_advisory(s_.pid);
  s_.cluster.wake_waiting();
}

}  // namespace pgweir::simulation
