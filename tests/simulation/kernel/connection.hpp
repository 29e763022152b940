// One TCP connection between two hosts, as far as a program can tell: bytes arrive in order, late, in other pieces
// than they were sent in, or never; buffers are full; an end closes, resets, or vanishes without a word.
//
// Each end belongs to the program under test (through a descriptor) or to a model. The ends keep each other alive.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <utility>

#include "protocol/bytes.hpp"
#include "tests/simulation/kernel/random.hpp"
#include "tests/simulation/kernel/timeline.hpp"

namespace pgweir::simulation {

// How a connection treats what is sent over it.
struct LinkQuality {
  SimTime shortest_delay = std::chrono::microseconds(20);
  SimTime longest_delay = std::chrono::microseconds(500);
  double cut = 0.1;     // the chance that what is under way arrives in more than one piece
  double hiccup = 0.0;  // the chance that a piece takes `hiccup_delay` instead
  SimTime hiccup_delay = std::chrono::milliseconds(200);
  std::size_t send_buffer = 64 * 1024;
  std::size_t receive_buffer = 64 * 1024;
};

// When the kernel gives a silent peer up (tcp(7)).
struct PatienceWithPeer {
  SimTime user_timeout{};  // TCP_USER_TIMEOUT; 0: as long as retransmissions last
  SimTime keepalive{};     // idle time and all probes; 0: no probes
};

class End {
 public:
  End(Timeline& timeline, Random& random, const LinkQuality& quality);
  static void connect(const std::shared_ptr<End>& one, const std::shared_ptr<End>& other);

  // Called when this end may be able to do what it could not do before.
  std::function<void()> changed = [] {};
  // Told what the other end sends, before it is under way, for as long as that end is there.
  std::function<void(ByteView)> overhears = [](ByteView) {};

  // Takes some of the bytes; 0: there is no room. Not after close(), shutdown() or an error.
  std::size_t send(ByteView bytes);
  // Gives some of what has arrived; 0: there is nothing.
  std::size_t receive(std::span<Byte> into);
  // The owner is told when there is room again, although send() took all that it was given.
  void expect_room() { wants_room_ = true; }
  // Nothing more is sent from here.
  void shutdown();
  // The owner has gone. Unread bytes make it a reset, as with Linux.
  void close();
  void reset();
  // The host of this end is gone: nothing is taken, acknowledged or sent any more, and nobody is told.
  void vanish();
  // How long this end waits for an other one that is silent.
  void be_patient(const PatienceWithPeer& patience);

  bool has_bytes() const { return !received_.empty(); }
  // Nothing more can arrive before something is read.
  bool is_full() const { return window() == 0; }
  // The other end has closed its direction, and all of it was read or waits to be read.
  bool has_end() const { return fin_arrived_; }
  bool has_room() const { return queued_ < quality_.send_buffer; }
  bool is_shut() const { return shut_; }
  // The other end has closed or reset the connection, whether or not this is known here.
  bool peer_has_left() const { return !other_ || other_->shut_ || other_->closed_; }
  bool peer_has_vanished() const { return other_ && other_->vanished_; }
  bool is_vanished() const { return vanished_; }
  // The first bytes that the other end has sent, whether or not they have arrived.
  ByteView beginning_of_peer() const { return other_ ? ByteView(other_->beginning_) : ByteView(); }
  int error() const { return error_; }  // of errno(3); 0: none
  // The connection was reset or given up. It stays so when the error has been taken.
  bool has_failed() const { return failed_; }
  int take_error() { return std::exchange(error_, 0); }
  std::size_t unacknowledged() const { return queued_; }

 private:
  enum class Mark : std::uint8_t { none, fin, rst };

  void pump();
  void fly(ByteBuffer piece, Mark mark);
  void arrive(const std::shared_ptr<End>& from, const ByteBuffer& piece, Mark mark);
  void acknowledged(std::size_t size);
  void fail(int error);
  void watch_peer();
  std::size_t window() const;
  SimTime delay();

  Timeline& timeline_;
  Random& random_;
  const LinkQuality quality_;
  std::weak_ptr<End> self_;
  std::shared_ptr<End> other_;
  ByteBuffer received_;
  std::size_t read_ = 0;    // of received_
  ByteBuffer waiting_;      // sent, not under way yet
  ByteBuffer beginning_;    // of all that was sent
  std::size_t queued_ = 0;  // sent, not arrived yet
  std::size_t flying_ = 0;  // under way
  SimTime last_arrival_{};
  SimTime heard_{};  // when the other end last acknowledged or sent something
  PatienceWithPeer patience_;
  std::uint64_t watch_ = 0;  // counts what makes an older look at the peer void
  int error_ = 0;
  bool failed_ = false;
  bool shut_ = false;
  bool fin_sent_ = false;
  bool fin_arrived_ = false;
  bool closed_ = false;
  bool vanished_ = false;
  bool wants_room_ = false;
};

}  // namespace pgweir::simulation
