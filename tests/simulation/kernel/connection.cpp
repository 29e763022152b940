#include "tests/simulation/kernel/connection.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace pgweir::simulation {
namespace {

// How long Linux sends again what nobody acknowledges (tcp_retries2).
constexpr SimTime retransmissions_last = std::chrono::seconds(924);
// As much of what was sent first is remembered: a startup packet.
constexpr std::size_t beginning_max = 512;

}  // namespace

End::End(Timeline& timeline, Random& random, const LinkQuality& quality)
    : timeline_(timeline), random_(random), quality_(quality), heard_(timeline.now()) {}

void End::connect(const std::shared_ptr<End>& one, const std::shared_ptr<End>& other) {
  one->self_ = one;
  other->self_ = other;
  one->other_ = other;
  other->other_ = one;
}

std::size_t End::send(ByteView bytes) {
  if (vanished_) return bytes.size();
  const std::size_t room = has_room() ? quality_.send_buffer - queued_ : 0;
  const std::size_t size = std::min(room, bytes.size());
  waiting_.insert(waiting_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
  queued_ += size;
  const std::size_t first = std::min(size, beginning_max - beginning_.size());
  beginning_.insert(beginning_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(first));
  wants_room_ = size < bytes.size();
  if (size > 0) {
    if (other_) other_->overhears(bytes.first(size));
    pump();
    watch_peer();
  }
  return size;
}

std::size_t End::receive(std::span<Byte> into) {
  const std::size_t size = std::min(into.size(), received_.size() - read_);
  std::copy_n(received_.begin() + static_cast<std::ptrdiff_t>(read_), size, into.begin());
  read_ += size;
  if (read_ == received_.size()) {
    received_.clear();
    read_ = 0;
  }
  if (size > 0 && other_) other_->pump();  // there is room for more
  return size;
}

void End::shutdown() {
  if (std::exchange(shut_, true)) return;
  pump();
}

void End::close() {
  if (std::exchange(closed_, true)) return;
  changed = [] {};
  if (!received_.empty()) {
    reset();
  } else {
    shutdown();
  }
  received_.clear();
  read_ = 0;
}

void End::reset() {
  closed_ = shut_ = true;
  changed = [] {};
  waiting_.clear();
  if (!vanished_ && !std::exchange(fin_sent_, true)) fly({}, Mark::rst);
}

void End::vanish() {
  vanished_ = true;
  waiting_.clear();
  if (other_) other_->watch_peer();
}

void End::be_patient(const PatienceWithPeer& patience) {
  patience_ = patience;
  watch_peer();
}

std::size_t End::window() const {
  const std::size_t used = received_.size() - read_;
  return used < quality_.receive_buffer ? quality_.receive_buffer - used : 0;
}

SimTime End::delay() {
  if (random_.chance(quality_.hiccup)) return quality_.hiccup_delay;
  return SimTime(
      static_cast<SimTime::rep>(random_.between(static_cast<std::uint64_t>(quality_.shortest_delay.count()),
                                                static_cast<std::uint64_t>(quality_.longest_delay.count()))));
}

// Sends what fits into the other end's buffer, and the end of all when that was everything.
void End::pump() {
  if (!other_ || vanished_) return;
  while (!waiting_.empty()) {
    const std::size_t window = other_->window();
    if (window <= flying_ && !other_->closed_) break;
    std::size_t size = other_->closed_ ? waiting_.size() : std::min(waiting_.size(), window - flying_);
    if (size > 1 && random_.chance(quality_.cut)) size = random_.between(1, size);
    ByteBuffer piece(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(size));
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(size));
    fly(std::move(piece), Mark::none);
  }
  if (shut_ && waiting_.empty() && !std::exchange(fin_sent_, true)) fly({}, Mark::fin);
}

void End::fly(ByteBuffer piece, Mark mark) {
  flying_ += piece.size();
  last_arrival_ = std::max(last_arrival_, timeline_.now() + delay());
  timeline_.at(last_arrival_, [from = self_.lock(), to = other_, piece = std::move(piece), mark] {
    if (to) to->arrive(from, piece, mark);
  });
}

void End::arrive(const std::shared_ptr<End>& from, const ByteBuffer& piece, Mark mark) {
  if (vanished_) return;  // nobody acknowledges it
  from->acknowledged(piece.size());
  heard_ = timeline_.now();
  if (mark == Mark::rst) return fail(ECONNRESET);
  if (closed_) {
    if (!piece.empty()) from->fail(ECONNRESET);
    return;
  }
  received_.insert(received_.end(), piece.begin(), piece.end());
  if (mark == Mark::fin) fin_arrived_ = true;
  changed();
}

void End::acknowledged(std::size_t size) {
  flying_ -= size;
  queued_ -= std::min(size, queued_);
  heard_ = timeline_.now();
  watch_peer();
  if (size > 0 && has_room() && std::exchange(wants_room_, false)) changed();
}

void End::fail(int error) {
  if (closed_ || failed_) return;
  failed_ = true;
  error_ = error;
  waiting_.clear();
  queued_ = 0;
  shut_ = fin_sent_ = true;
  changed();
}

// An end whose peer has vanished is told after a while. While the peer is there nothing needs to be planned.
void End::watch_peer() {
  const std::uint64_t watch = ++watch_;
  if (!other_ || !other_->vanished_ || failed_) return;
  SimTime patience = queued_ > 0 ? patience_.user_timeout : patience_.keepalive;
  if (queued_ > 0 && patience == SimTime::zero()) patience = retransmissions_last;
  if (patience == SimTime::zero()) return;
  timeline_.at(std::max(heard_, timeline_.now()) + patience, [self = self_.lock(), watch] {
    if (self->watch_ == watch) self->fail(ETIMEDOUT);
  });
}

}  // namespace pgweir::simulation
