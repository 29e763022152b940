#include "proxy/pool/idle_backend.hpp"

#include "proxy/backend/reported_parameters.hpp"

namespace pgweir {

std::optional<BackendClose> absorb_idle_input(Backend& backend, Worker& here) {
  for (;;) {
    const IoResult result = backend.transport.read(here.idle_scratch());
    if (result.status == IoStatus::would_block && backend.carry.empty()) return std::nullopt;
    if (result.status != IoStatus::ok) return BackendClose::lost;
    backend.carry.insert(backend.carry.end(), here.idle_scratch().begin(),
                         here.idle_scratch().begin() + static_cast<std::ptrdiff_t>(result.size));
    ByteView input = backend.carry;
    Piece piece;
    FrameStatus status{};
    while ((status = backend.framer.next(input, piece)) == FrameStatus::piece) {
      const bool notice = piece.type == static_cast<char>(BackendType::NoticeResponse) ||
                          piece.type == static_cast<char>(BackendType::NotificationResponse);
      if (notice) continue;
      if (piece.type != static_cast<char>(BackendType::ParameterStatus)) return BackendClose::lost;
      ParameterStatusView reported;
      if (!take_parameter(backend, piece.body(), here.settings_memo(), reported))
        return BackendClose::protocol_violation;
    }
    if (status == FrameStatus::error) return BackendClose::protocol_violation;
    backend.carry.assign(input.begin(), input.end());
  }
}

}  // namespace pgweir
