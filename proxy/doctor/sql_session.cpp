#include "proxy/doctor/sql_session.hpp"

#include "protocol/backend.hpp"
#include "protocol/frontend.hpp"
#include "protocol/startup.hpp"

namespace pgweir::doctor {
namespace {

ServerRefusal ended(const Wire& wire) {
  return {"", wire.timed_out() ? "the server did not answer in time" : "the server closed the connection",
          false, BackendLoginResult::lost};
}

std::vector<std::string> row_of(ByteView body) {
  std::vector<std::string> row;
  DataRowReader reader(body);
  std::uint16_t columns = 0;
  if (reader.begin(columns) != Errc::ok) return row;
  for (Column column; columns > 0 && reader.next(column) == Errc::ok; --columns)
    row.emplace_back(as_text(column.value));
  return row;
}

}  // namespace

std::optional<ServerRefusal> log_in(Wire& wire, const LoginAs& as, ByteBuffer end_point, Deadline deadline) {
  BackendLogin login(as.user, as.password);
  login.permit(as.cleartext);
  if (!end_point.empty()) login.bind_to(std::move(end_point));
  ByteBuffer received;
  ByteBuffer reply;
  write_startup_message(reply, 0, as.user, as.database, {});
  for (BackendLogin::Step step = BackendLogin::Step::send; step != BackendLogin::Step::ready;) {
    if (step == BackendLogin::Step::refused) return login.refusal();
    if (step == BackendLogin::Step::need_keys) {
      ScramKeys keys;
      if (derive_scram_keys(as.password, login.salt(), login.iterations(), keys) != Errc::ok)
        return ServerRefusal{"", "PBKDF2 failed"};
      step = login.use_keys(keys, reply);
      continue;
    }
    if (step == BackendLogin::Step::send && !wire.write(reply, deadline)) return ended(wire);
    if (step == BackendLogin::Step::need_bytes && !wire.read(received, deadline)) return ended(wire);
    reply.clear();
    ByteView input = received;
    step = login.feed(input, reply);
    received.assign(input.begin(), input.end());
  }
  return std::nullopt;
}

std::optional<Rows> ask(Wire& wire, std::string_view sql, Deadline deadline) {
  ByteBuffer buffer;
  write_query(buffer, sql);
  if (!wire.write(buffer, deadline)) return std::nullopt;
  buffer.clear();
  Framer framer(backend_rule);
  Rows rows;
  for (bool failed = false;;) {
    ByteView input = buffer;
    Piece piece;
    const FrameStatus status = framer.next(input, piece);
    if (status == FrameStatus::error) return std::nullopt;
    if (status == FrameStatus::piece) {
      if (piece.type == 'D' && piece.whole()) rows.push_back(row_of(piece.body()));
      if (piece.type == 'E') failed = true;
      if (piece.type == 'Z') return failed ? std::nullopt : std::optional(std::move(rows));
    }
    buffer.assign(input.begin(), input.end());
    if (status == FrameStatus::need_more && !wire.read(buffer, deadline)) return std::nullopt;
  }
}

}  // namespace pgweir::doctor
