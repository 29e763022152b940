#include "proxy/listen/hub_connection.hpp"

#include <utility>

#include "protocol/error_response.hpp"
#include "protocol/frontend.hpp"
#include "protocol/startup.hpp"
#include "proxy/state/sql_quote.hpp"

namespace pgweir {

HubConnection::HubConnection(std::shared_ptr<Backend> backend, Waker& waker)
    : backend_(std::move(backend)), input_(std::exchange(backend_->carry, {})), rest_(input_) {
  backend_->transport.watch(&waker);
}

void HubConnection::send_query(std::string_view sql) {
  ByteBuffer message;
  write_query(message, sql);
  backend_->backlog.append(message);
}

// One Query for each command, so that one that fails does not take others along.
void HubConnection::send(const HubCommand& command) {
  std::string sql;
  if (command.kind == HubCommand::Kind::listen) sql = "LISTEN ";
  if (command.kind == HubCommand::Kind::unlisten) sql = "UNLISTEN ";
  if (command.kind != HubCommand::Kind::round_trip) sql += quote_identifier(command.channel);
  send_query(sql);
}

bool HubConnection::flush() {
  return backend_->backlog.flush(backend_->transport);
}

bool HubConnection::receive(std::span<Byte> scratch) {
  if (rest_.data() != input_.data())
    input_.erase(input_.begin(), input_.end() - static_cast<std::ptrdiff_t>(rest_.size()));
  const IoResult result = backend_->transport.read(scratch);
  if (result.status == IoStatus::ok) {
    const ByteView received = scratch.first(result.size);
    input_.insert(input_.end(), received.begin(), received.end());
  }
  rest_ = input_;
  return result.status == IoStatus::ok || result.status == IoStatus::would_block;
}

HubConnection::Next HubConnection::next(HubEvent& out) {
  Piece piece;
  for (;;) {
    switch (backend_->framer.next(rest_, piece)) {
      case FrameStatus::need_more:
        return Next::none;
      case FrameStatus::error:
        return Next::broken;
      case FrameStatus::piece:
        break;
    }
    const Next taken = take(piece, out);
    if (taken != Next::none) return taken;
  }
}

// Everything but notifications and the end of an answer is of no interest, or of no meaning here.
HubConnection::Next HubConnection::take(const Piece& piece, HubEvent& out) {
  switch (static_cast<BackendType>(piece.type)) {
    case BackendType::NotificationResponse:
      out.kind = HubEvent::Kind::notification;
      out.message = piece.bytes;
      if (!piece.whole() || parse_notification(piece.body(), out.notification) != Errc::ok)
        return Next::broken;
      return Next::event;
    case BackendType::ReadyForQuery:
      out.kind = HubEvent::Kind::answer;
      out.succeeded = !std::exchange(failed_, false);
      return Next::event;
    case BackendType::ErrorResponse:
      failed_ = true;
      if (piece.whole()) note_error(piece.body());
      return Next::none;
    case BackendType::CommandComplete:
    case BackendType::EmptyQueryResponse:
    case BackendType::NoticeResponse:
    case BackendType::ParameterStatus:
      return Next::none;
    default:
      return Next::broken;
  }
}

void HubConnection::note_error(ByteView body) {
  ErrorView error;
  if (ErrorView::parse(body, error) != Errc::ok) return;
  last_error_ = std::string(error.code()) + ' ' + std::string(error.message());
}

void HubConnection::close() {
  ByteBuffer goodbye;
  write_terminate(goodbye);
  backend_->backlog.append(goodbye);
  backend_->backlog.flush(backend_->transport);
  backend_->transport.close();
}

}  // namespace pgweir
