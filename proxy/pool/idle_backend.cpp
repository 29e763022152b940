#include "proxy/pool/idle_backend.hpp"

namespace pgweir {

bool absorb_idle_input(Backend& backend, Worker& here) {
  for (;;) {
    const IoResult result = backend.transport.read(here.idle_scratch());
    if (result.status == IoStatus::would_block) return backend.carry.empty();
    if (result.status != IoStatus::ok) return false;
    backend.carry.insert(backend.carry.end(), here.idle_scratch().begin(),
                         here.idle_scratch().begin() + static_cast<std::ptrdiff_t>(result.size));
    ByteView input = backend.carry;
    Piece piece;
    FrameStatus status{};
    while ((status = backend.framer.next(input, piece)) == FrameStatus::piece) {
      const bool notice = piece.type == static_cast<char>(BackendType::NoticeResponse) ||
                          piece.type == static_cast<char>(BackendType::NotificationResponse);
      const bool parameter = piece.type == static_cast<char>(BackendType::ParameterStatus);
      if (notice) continue;
      ParameterStatusView reported;
      if (!parameter || parse_parameter_status(piece.body(), reported) != Errc::ok) return false;
      backend.parameters = here.settings_memo().with(backend.parameters, reported.name, reported.value);
    }
    if (status == FrameStatus::error) return false;
    backend.carry.assign(input.begin(), input.end());
  }
}

}  // namespace pgweir
