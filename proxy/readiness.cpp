#include "proxy/readiness.hpp"

#include <boost/asio/post.hpp>
#include <cassert>
#include <system_error>

namespace pgweir {
namespace {

int make_epoll() {
  const int fd = ::epoll_create1(EPOLL_CLOEXEC);
  if (fd < 0) throw std::system_error(errno, std::system_category(), "epoll_create1");
  return fd;
}

}  // namespace

Waker::Waker(Reactor& reactor) : reactor_(reactor), next_known_(reactor.known_) {
  if (next_known_ != nullptr) next_known_->previous_known_ = this;
  reactor.known_ = this;
}

Waker::~Waker() {
  reactor_.unlink(*this);
  (previous_known_ != nullptr ? previous_known_->next_known_ : reactor_.known_) = next_known_;
  if (next_known_ != nullptr) next_known_->previous_known_ = previous_known_;
  abandon();
}

void Waker::abandon() {
  if (wait_ != nullptr) std::exchange(wait_, nullptr)->destroy();
}

void Waker::wake() {
  signalled_ = true;
  if (!queued_) reactor_.link(*this);
}

Reactor::Reactor(boost::asio::io_context& io, std::function<void()> on_batch)
    : io_(io), epoll_(io, make_epoll()), on_batch_(std::move(on_batch)) {
  arm();
}

Reactor::~Reactor() {
  *alive_ = false;
}

// Asio unwinds a destroyed coroutine by a function that it posts, so no Waker goes away under this loop.
void Reactor::stop() {
  stopped_ = true;
  for (Waker* waker = known_; waker != nullptr; waker = waker->next_known_) waker->abandon();
  epoll_.cancel();
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
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = slot;
  if (::epoll_ctl(epoll_.native_handle(), EPOLL_CTL_ADD, fd, &event) == 0) return slot;
  slot->waker_ = nullptr;
  const std::lock_guard lock(free_mutex_);
  free_.push_back(slot);
  return nullptr;
}

void Reactor::detach(int fd, Slot* slot) {
  epoll_event unused{};
  ::epoll_ctl(epoll_.native_handle(), EPOLL_CTL_DEL, fd, &unused);
  if (slot->waker_ != nullptr) slot->waker_ = nullptr;
  const std::lock_guard lock(free_mutex_);
  free_.push_back(slot);
}

void Reactor::arm() {
  epoll_.async_wait(boost::asio::posix::stream_descriptor::wait_read, [this](boost::system::error_code ec) {
    if (ec) return;
    on_readable();
    if (!stopped_) arm();
  });
}

void Reactor::on_readable() {
  running_ = true;
  for (int round = 0; round < rounds_max; ++round) {
    if (fetch() == 0 && !has_wakers()) break;
    run_wakers();
  }
  running_ = false;
  schedule_run();
}

int Reactor::fetch() {
  const int count = ::epoll_wait(epoll_.native_handle(), events_.data(), events_max, 0);
  on_batch_();
  for (int i = 0; i < count; ++i) {
    auto& slot = *static_cast<Slot*>(events_[static_cast<std::size_t>(i)].data.ptr);
    const std::uint32_t events = events_[static_cast<std::size_t>(i)].events;
    std::uint8_t bits = 0;
    if ((events & EPOLLIN) != 0) bits |= Slot::readable_bit;
    if ((events & EPOLLOUT) != 0) bits |= Slot::writable_bit;
    if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
      bits |= Slot::hangup_bit | Slot::readable_bit | Slot::writable_bit;
    }
    slot.bits_.fetch_or(bits, std::memory_order_relaxed);
    if (slot.waker_ != nullptr) slot.waker_->wake();
  }
  return count;
}

// Only as many as are linked now: a waker that links itself again waits for the next round, so that one busy
// session cannot keep the others from running.
void Reactor::run_wakers() {
  for (std::size_t budget = linked_; budget > 0 && first_ != nullptr; --budget) {
    Waker* const waker = first_;
    unlink(*waker);
    if (waker->wait_ == nullptr) continue;
    waker->signalled_ = false;
    std::exchange(waker->wait_, nullptr)->complete();  // may destroy the waker
  }
}

// A waker that was woken outside of on_readable() must not wait for the next event.
void Reactor::schedule_run() {
  if (running_ || run_scheduled_ || !has_wakers()) return;
  run_scheduled_ = true;
  boost::asio::post(io_, [this, alive = alive_] {
    if (!*alive) return;
    run_scheduled_ = false;
    on_batch_();
    running_ = true;
    run_wakers();
    running_ = false;
    schedule_run();
  });
}

void Reactor::link(Waker& waker) {
  waker.queued_ = true;
  waker.previous_ = last_;
  waker.next_ = nullptr;
  (last_ != nullptr ? last_->next_ : first_) = &waker;
  last_ = &waker;
  ++linked_;
  schedule_run();
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
