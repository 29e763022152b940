// The server connection of a ListenHub: commands out, answers and notifications in.
// Thread rule: the worker that it was opened on. It must be destroyed before that worker's Reactor.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/notification.hpp"
#include "proxy/backend/backend.hpp"
#include "proxy/listen/channel_table.hpp"

namespace pgweir {

// What the server has said.
struct HubEvent {
  enum class Kind : std::uint8_t { notification, answer };
  Kind kind = Kind::answer;
  bool succeeded = true;          // answer
  NotificationView notification;  // and the next two: of a notification. Views live until the next receive()
  ByteView message;               // the whole message, as it goes to clients
};

class HubConnection {
 public:
  enum class Next : std::uint8_t { event, none, broken };

  // `waker` is woken when there is something to read or to write, and must outlive this object.
  HubConnection(std::shared_ptr<Backend> backend, Waker& waker);

  // A query of several statements that is answered by one event.
  void send_query(std::string_view sql);
  void send(const HubCommand& command);
  // Writes what the server takes. False: the connection is broken.
  bool flush();

  // One recv. False: the connection is broken; what came before that can still be taken.
  bool receive(std::span<Byte> scratch);
  bool readable() const { return backend_->transport.readable(); }
  // The next event of what was received.
  Next next(HubEvent& out);

  // Says goodbye. Nothing else may be called then.
  void close();

  std::uint32_t pid() const { return backend_->pid; }
  // The server's last error, if there was one: "57P01 terminating connection ...".
  const std::string& last_error() const { return last_error_; }

 private:
  Next take(const Piece& piece, HubEvent& out);
  void note_error(ByteView body);

  std::shared_ptr<Backend> backend_;
  ByteBuffer input_;  // received; `rest_` of it has not been taken
  ByteView rest_;
  bool failed_ = false;  // an error was seen since the last ReadyForQuery
  std::string last_error_;
};

}  // namespace pgweir
