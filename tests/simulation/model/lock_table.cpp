#include "tests/simulation/model/lock_table.hpp"

#include <algorithm>
#include <set>

namespace pgweir::simulation {
namespace {

bool conflict(LockMode a, LockMode b) {
  return a == LockMode::exclusive || b == LockMode::exclusive;
}

}  // namespace

bool LockTable::may_have(const Lock& lock, Pid pid, LockMode mode) const {
  bool has_already = false;
  for (const Held& held : lock.held) {
    if (held.pid != pid && conflict(held.mode, mode)) return false;
    has_already |= held.pid == pid;
  }
  if (has_already) return true;
  for (const Waiting& waiting : lock.queue) {
    if (waiting.pid == pid) return true;
    if (conflict(waiting.mode, mode)) return false;
  }
  return true;
}

bool LockTable::try_acquire(Pid pid, const LockKey& key, LockMode mode, int level) {
  Lock& lock = locks_[key];
  if (!may_have(lock, pid, mode)) return false;
  std::erase_if(lock.queue, [&](const Waiting& waiting) { return waiting.pid == pid; });
  const auto same = std::find_if(lock.held.begin(), lock.held.end(),
                                 [&](const Held& held) { return held.pid == pid && held.mode == mode; });
  if (same != lock.held.end()) {
    // Only session locks are counted.
    const bool known =
        level > 0 && std::find(same->levels.begin(), same->levels.end(), level) != same->levels.end();
    if (!known) same->levels.push_back(level);
  } else {
    lock.held.push_back({pid, mode, {level}});
  }
  return true;
}

bool LockTable::acquire(Pid pid, const LockKey& key, LockMode mode, int level) {
  if (try_acquire(pid, key, mode, level)) return true;
  std::vector<Waiting>& queue = locks_[key].queue;
  const bool waits = std::any_of(queue.begin(), queue.end(), [&](const Waiting& w) { return w.pid == pid; });
  if (!waits) queue.push_back({pid, mode});
  return false;
}

void LockTable::stop_waiting(Pid pid) {
  for (auto& [key, lock] : locks_) {
    std::erase_if(lock.queue, [&](const Waiting& waiting) { return waiting.pid == pid; });
  }
}

template <typename Predicate>
void LockTable::drop_levels(Pid pid, Predicate predicate) {
  for (auto& [key, lock] : locks_) {
    for (Held& held : lock.held) {
      if (held.pid == pid) std::erase_if(held.levels, [&](int level) { return predicate(key, level); });
    }
    std::erase_if(lock.held, [](const Held& held) { return held.levels.empty(); });
  }
  std::erase_if(locks_,
                [](const auto& entry) { return entry.second.held.empty() && entry.second.queue.empty(); });
}

bool LockTable::release(Pid pid, const LockKey& key, LockMode mode) {
  const auto found = locks_.find(key);
  if (found == locks_.end()) return false;
  for (Held& held : found->second.held) {
    const auto session = std::find(held.levels.begin(), held.levels.end(), 0);
    if (held.pid != pid || held.mode != mode || session == held.levels.end()) continue;
    held.levels.erase(session);
    drop_levels(pid, [](const LockKey&, int) { return false; });
    return true;
  }
  return false;
}

void LockTable::release_advisory(Pid pid) {
  drop_levels(pid, [](const LockKey&, int level) { return level == 0; });
}

void LockTable::release_level(Pid pid, int level) {
  drop_levels(pid, [&](const LockKey&, int taken) { return taken >= level; });
}

void LockTable::merge_level(Pid pid, int level) {
  for (auto& [key, lock] : locks_) {
    for (Held& held : lock.held) {
      if (held.pid != pid) continue;
      for (int& taken : held.levels) taken = std::min(taken, level - 1);
    }
  }
}

void LockTable::release_all(Pid pid) {
  stop_waiting(pid);
  drop_levels(pid, [](const LockKey&, int) { return true; });
}

bool LockTable::holds_advisory(Pid pid) const {
  return !advisory_locks(pid).empty();
}

std::vector<LockKey> LockTable::advisory_locks(Pid pid) const {
  std::vector<LockKey> keys;
  for (const auto& [key, lock] : locks_) {
    const bool is_advisory = key.kind == LockKey::Kind::advisory || key.kind == LockKey::Kind::advisory_pair;
    const bool held =
        std::any_of(lock.held.begin(), lock.held.end(), [&](const Held& h) { return h.pid == pid; });
    if (is_advisory && held) keys.push_back(key);
  }
  return keys;
}

std::vector<Pid> LockTable::blockers(Pid pid) const {
  std::vector<Pid> found;
  for (const auto& [key, lock] : locks_) {
    for (std::size_t i = 0; i < lock.queue.size(); ++i) {
      const Waiting& waiting = lock.queue[i];
      if (waiting.pid != pid) continue;
      for (const Held& held : lock.held) {
        if (held.pid != pid && conflict(held.mode, waiting.mode)) found.push_back(held.pid);
      }
      for (std::size_t before = 0; before < i; ++before) {
        if (conflict(lock.queue[before].mode, waiting.mode)) found.push_back(lock.queue[before].pid);
      }
    }
  }
  return found;
}

bool LockTable::is_deadlocked(Pid pid) const {
  std::set<Pid> seen;
  std::vector<Pid> next = blockers(pid);
  while (!next.empty()) {
    const Pid one = next.back();
    next.pop_back();
    if (one == pid) return true;
    if (!seen.insert(one).second) continue;
    const std::vector<Pid> further = blockers(one);
    next.insert(next.end(), further.begin(), further.end());
  }
  return false;
}

}  // namespace pgweir::simulation
