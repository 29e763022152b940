// A queue in one std::vector: what was taken from its front stays there, spent, until it is worth clearing
// away. Cheaper than a std::deque, which owns half a kilobyte even when it is empty.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace pgweir {

// Entries before `oldest` are spent. A client that never lets its pipeline run dry must not make that part
// grow for ever.
template <class T>
void push_behind_spent(std::vector<T>& queue, std::size_t& oldest, T&& entry) {
  constexpr std::size_t spent_max = 64;  // how many spent entries are kept
  if (oldest >= spent_max && oldest * 2 >= queue.size()) {
    queue.erase(queue.begin(), queue.begin() + static_cast<std::ptrdiff_t>(oldest));
    oldest = 0;
  }
  queue.push_back(std::move(entry));
}

}  // namespace pgweir
