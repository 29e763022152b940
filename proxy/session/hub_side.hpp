// The session's side of its pool's hub: LISTEN and UNLISTEN without a backend, and notifications for the
// client. Thread rule: the session's worker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "protocol/framer.hpp"
#include "proxy/entry/life.hpp"
#include "proxy/exchange/exchange.hpp"

namespace pgweir {

class HubSide {
 public:
  // This many bytes of notifications are written before it is seen whether the client takes them.
  static constexpr std::size_t telling_max = 64 * 1024;

  explicit HubSide(Exchange& exchange) : x_(exchange) {}

  // The hub calls these.
  void take(const std::shared_ptr<const ByteBuffer>& message);
  void answered(ListenOutcome outcome);
  void lost();

  // It cannot listen any more: check() is to be called.
  bool is_in_trouble() const { return trouble_ != Trouble::none; }
  // Ends the session if it cannot listen any more.
  void check(Life& life) const {
    if (trouble_ != Trouble::none) end(life);
  }
  bool listens() const { return x_.listen && x_.listen->listens(); }

  enum class Answer : std::uint8_t { answered, wait, no };
  // A lone LISTEN or UNLISTEN of a client that has no backend, and needs none for it.
  Answer answer_listen(const Piece& piece);
  // Whether a ReadyForQuery at the beginning of `input` has to wait.
  bool ready_has_to_wait(ByteView input);
  // See Exchange::write_notifications.
  void write_notifications(std::size_t limit) { x_.write_notifications(limit); }

 private:
  void end(Life& life) const;
  bool must_move();
  void begin_move();
  void on_move(ListenOutcome outcome);

  enum class Move : std::uint8_t { no, joins, leaves };
  enum class Trouble : std::uint8_t {
    none,
    lost,  // the connection that listens was lost
    deaf,  // the client does not take its notifications
  };

  Exchange& x_;
  Move move_ = Move::no;  // to the hub of another encoding
  Trouble trouble_ = Trouble::none;
};

}  // namespace pgweir
