#include "tests/simulation/kernel/descriptors.hpp"

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <utility>

namespace pgweir::simulation {

void File::changed() {
  std::erase_if(sets_, [](const auto& set) { return set.expired(); });
  const auto sets = sets_;
  for (const auto& each : sets) {
    if (const auto set = each.lock()) set->note(descriptor);
  }
}

int EpollSet::control(int operation, const std::shared_ptr<File>& file, const epoll_event* event) {
  const int fd = file->descriptor;
  if (operation == EPOLL_CTL_DEL) {
    if (!watches_.contains(fd)) return -ENOENT;
    forget(fd);
    return 0;
  }
  if (operation == EPOLL_CTL_ADD && watches_.contains(fd)) return -EEXIST;
  if (operation == EPOLL_CTL_MOD && !watches_.contains(fd)) return -ENOENT;
  Watch& watch = watches_[fd];
  watch.file = file;
  watch.event = *event;
  note(fd);
  return 0;
}

void EpollSet::note(int fd) {
  const auto it = watches_.find(fd);
  if (it == watches_.end() || std::exchange(it->second.is_noted, true)) return;
  noted_.push_back(fd);
  changed();
}

void EpollSet::forget(int fd) {
  watches_.erase(fd);
  std::erase(noted_, fd);
}

std::vector<epoll_event> EpollSet::take(std::size_t most) {
  std::vector<epoll_event> events;
  std::deque<int> again;  // level-triggered ones stay
  while (!noted_.empty() && events.size() < most) {
    const int fd = noted_.front();
    noted_.pop_front();
    Watch& watch = watches_.at(fd);
    watch.is_noted = false;
    const auto file = watch.file.lock();
    std::uint32_t ready = file ? file->readiness() & (watch.event.events | EPOLLERR | EPOLLHUP) : 0;
    if (std::exchange(watch.is_spurious, false)) ready |= EPOLLIN | EPOLLOUT;
    if (ready == 0) continue;
    epoll_event event = watch.event;
    event.events = ready;
    events.push_back(event);
    if (!is_edge(watch)) {
      watch.is_noted = true;
      again.push_back(fd);
    }
  }
  std::copy(again.begin(), again.end(), std::back_inserter(noted_));
  return events;
}

bool EpollSet::has_events() const {
  return std::any_of(noted_.begin(), noted_.end(), [&](int fd) {
    const Watch& watch = watches_.at(fd);
    const auto file = watch.file.lock();
    return watch.is_spurious ||
           (file && (file->readiness() & (watch.event.events | EPOLLERR | EPOLLHUP)) != 0);
  });
}

void EpollSet::report_without_cause(std::uint64_t which) {
  if (watches_.empty()) return;
  auto it = std::next(watches_.begin(), static_cast<std::ptrdiff_t>(which % watches_.size()));
  if (it->second.event.data.ptr == nullptr) return;
  it->second.is_spurious = true;
  note(it->first);
}

Socket::~Socket() {
  if (!end) return;
  if (resets_on_close) {
    end->reset();
  } else {
    end->close();
  }
}

std::uint32_t Socket::readiness() const {
  if (error != 0) return EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP;
  if (is_connecting) return 0;
  if (!end) return EPOLLOUT | EPOLLHUP;
  std::uint32_t ready = 0;
  if (end->has_bytes() || end->has_end()) ready |= EPOLLIN;
  if (end->has_end()) ready |= EPOLLRDHUP;
  if (end->has_room()) ready |= EPOLLOUT;
  if (end->has_failed()) ready |= EPOLLIN | EPOLLOUT | EPOLLHUP | EPOLLRDHUP;
  if (end->error() != 0) ready |= EPOLLERR;
  if (end->has_end() && end->is_shut()) ready |= EPOLLHUP;
  return ready;
}

void Socket::use(std::shared_ptr<End> connected) {
  end = std::move(connected);
  is_connecting = false;
  end->changed = [this] { changed(); };
  end->be_patient(patience);
  changed();
}

void Socket::fail(int why) {
  error = why;
  is_connecting = false;
  changed();
}

}  // namespace pgweir::simulation
