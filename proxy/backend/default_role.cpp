#include "proxy/backend/default_role.hpp"

#include "protocol/frontend.hpp"
#include "proxy/backend/reported_parameters.hpp"
#include "proxy/worker/connect.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {
namespace {

using Step = DefaultRoleReply::Step;

// The part of a message that has not arrived whole stays in `carry`.
Step walk(Backend& backend, DefaultRoleReply& reply, SettingsMemo& memo) {
  ByteView input = backend.carry;
  Piece piece;
  FrameStatus status{};
  Step step = Step::go_on;
  while (step == Step::go_on && (status = backend.framer.next(input, piece)) == FrameStatus::piece) {
    ParameterStatusView parameter;
    if (piece.type != static_cast<char>(BackendType::ParameterStatus)) {
      step = reply.take(piece);
    } else if (!take_parameter(backend, piece.body(), memo, parameter)) {
      step = Step::broken;
    }
  }
  backend.carry = ByteBuffer(input.begin(), input.end());
  return status == FrameStatus::error ? Step::broken : step;
}

Opened failure(BackendLoginResult result, std::string message) {
  return {nullptr, {"", std::move(message), false, result}};
}

}  // namespace

Step DefaultRoleReply::take(const Piece& piece) {
  TransactionStatus status{};
  switch (static_cast<BackendType>(piece.type)) {
    case BackendType::RowDescription:
    case BackendType::CommandComplete:
    case BackendType::NoticeResponse:
      return Step::go_on;
    case BackendType::DataRow:
      return take_row(piece);
    case BackendType::ReadyForQuery:
      if (!has_row_ || parse_ready_for_query(piece.body(), status) != Errc::ok ||
          status != TransactionStatus::idle)
        return Step::broken;
      return Step::done;
    default:
      return Step::broken;
  }
}

Step DefaultRoleReply::take_row(const Piece& piece) {
  constexpr std::size_t row_max = 1'024;  // a name has 63 bytes at the most
  const ByteView body = piece.body();
  if (has_row_ || row_.size() + body.size() > row_max) return Step::broken;
  row_.insert(row_.end(), body.begin(), body.end());
  if (!piece.last) return Step::go_on;
  DataRowReader row(row_);
  std::uint16_t columns = 0;
  Column role;
  Column place;
  if (row.begin(columns) != Errc::ok || columns != 2 || row.next(role) != Errc::ok || role.is_null ||
      row.next(place) != Errc::ok || place.is_null)
    return Step::broken;
  has_row_ = true;
  role_ = as_text(role.value);
  path_is_temporary_ = as_text(place.value) != "0";
  return Step::go_on;
}

Task<Opened> learn_default_role(Worker& here, Opened opened, std::chrono::milliseconds limit) {
  if (!opened.backend) co_return opened;
  Backend& backend = *opened.backend;
  TimedWaker clock(here, limit);
  backend.transport.watch(&clock.waker());
  ByteBuffer question;
  write_query(question, default_role_question);
  backend.backlog.append(question);
  DefaultRoleReply reply;
  Step step = walk(backend, reply, here.settings_memo());
  bool alive = true;
  while (alive && step == Step::go_on && !clock.expired()) {
    alive = backend.backlog.flush(backend.transport);
    if (!alive) break;
    const IoResult result = backend.transport.read(here.scratch());
    if (result.status == IoStatus::would_block) {
      co_await clock.waker().wait();
      continue;
    }
    alive = result.status == IoStatus::ok;
    const ByteView fresh = here.scratch().first(alive ? result.size : 0);
    backend.carry.insert(backend.carry.end(), fresh.begin(), fresh.end());
    step = walk(backend, reply, here.settings_memo());
  }
  backend.transport.watch(nullptr);
  if (step == Step::done) {
    backend.default_role = reply.role();
    backend.default_path_is_temporary = reply.path_is_temporary();
    co_return opened;
  }
  if (clock.expired())
    co_return failure(BackendLoginResult::timed_out, "the server let us in and then did not answer in time");
  co_return failure(BackendLoginResult::lost,
                    "the server let us in and closed the connection, or spoke nonsense");
}

}  // namespace pgweir
