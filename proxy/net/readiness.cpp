#include "proxy/net/readiness.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace pgweir {
namespace {

UniqueFd make_epoll() {
  UniqueFd fd(::epoll_create1(EPOLL_CLOEXEC));
  if (!fd) throw std::system_error(errno, std::system_category(), "epoll_create1");
  return fd;
}

}  // namespace

Waker::~Waker() {
  reactor_.unlink(*this);
}

void Waker::wake() {
  signalled_ = true;
  if (!queued_) reactor_.link(*this);
}

void Waker::sleep(std::coroutine_handle<> sleeper) {
  sleeper_ = sleeper;
  if (signalled_) wake();
}

Reactor::Reactor() : epoll_(make_epoll()), interrupter_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;  // each write is an edge, so that it need not be read
  event.data.ptr = nullptr;
  if (!interrupter_ || ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, interrupter_.get(), &event) != 0)
    throw std::system_error(errno, std::system_category(), "eventfd");
}

// Either this sees that the worker waits, or fetch() sees that it was interrupted.
void Reactor::interrupt() {
  interrupted_ = true;
  if (!waiting_) return;
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(interrupter_.get(), &one, sizeof one);
}

Slot* Reactor::attach(int fd, Waker* waker) {
  Slot* slot = nullptr;
  {
    const std::lock_guard lock(free_mutex_);
    if (!free_.empty()) {
      slot = free_.back();
      free_.pop_back();
    }
  }
  if (slot == nullptr) slot = &slots_.emplace_back();
  slot->bits_.store(Slot::writable_bit, std::memory_order_relaxed);
  slot->waker_ = waker;
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET;
  event.data.ptr = slot;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0) return slot;
  slot->waker_ = nullptr;
  const std::lock_guard lock(free_mutex_);
  free_.push_back(slot);
  return nullptr;
}

void Reactor::detach(int fd, Slot* slot) {
  epoll_event unused{};
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, &unused);
  free(slot);
}

void Reactor::free(Slot* slot) {
  if (slot->waker_ != nullptr) slot->waker_ = nullptr;
  const std::lock_guard lock(free_mutex_);
  free_.push_back(slot);
}

void Reactor::fetch(std::chrono::milliseconds wait) {
  waiting_ = true;
  const int count =
      ::epoll_wait(epoll_.get(), events_.data(), events_max, is_awake() ? 0 : static_cast<int>(wait.count()));
  waiting_ = false;
  fetched_all_ = count < events_max;
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events_[static_cast<std::size_t>(i)];
    if (event.data.ptr == nullptr) continue;  // the interrupter
    auto& slot = *static_cast<Slot*>(event.data.ptr);
    std::uint8_t bits = 0;
    if ((event.events & EPOLLIN) != 0) bits |= Slot::readable_bit;
    if ((event.events & EPOLLPRI) != 0) bits |= Slot::urgent_bit;
    if ((event.events & EPOLLOUT) != 0) bits |= Slot::writable_bit;
    if ((event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
      bits |= Slot::hangup_bit | Slot::readable_bit | Slot::writable_bit;
    }
    slot.bits_.fetch_or(bits, std::memory_order_relaxed);
    if (slot.waker_ != nullptr) slot.waker_->wake();
  }
}

void Reactor::run_wakers() {
  for (std::size_t budget = linked_; budget > 0 && first_ != nullptr; --budget) {
    Waker* const waker = first_;
    unlink(*waker);
    if (!waker->sleeper_) continue;
    waker->signalled_ = false;
    std::exchange(waker->sleeper_, nullptr).resume();  // may destroy the waker
  }
}

void Reactor::link(Waker& waker) {
  waker.queued_ = true;
  waker.previous_ = last_;
  waker.next_ = nullptr;
  (last_ != nullptr ? last_->next_ : first_) = &waker;
  last_ = &waker;
  ++linked_;
}

void Reactor::unlink(Waker& waker) {
  if (!waker.queued_) return;
  waker.queued_ = false;
  --linked_;
  (waker.previous_ != nullptr ? waker.previous_->next_ : first_) = waker.next_;
  (waker.next_ != nullptr ? waker.next_->previous_ : last_) = waker.previous_;
  waker.next_ = waker.previous_ = nullptr;
}

}  // namespace pgweir
