#include "proxy/exchange/batch.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "protocol/framer.hpp"
#include "protocol/frontend.hpp"

namespace pgweir {
namespace {

// Whether there is a Bind of the statement of which this holds.
bool has_bind(ByteView messages, std::string_view name, bool (*holds)(ByteView rest)) {
  Framer framer(frontend_rule);
  Piece piece;
  while (framer.next(messages, piece) == FrameStatus::piece) {
    BindView bind;
    if (piece.type != static_cast<char>(FrontendType::Bind)) continue;
    if (parse_bind(piece.body(), bind) == Errc::ok && bind.statement == name && holds(bind.rest)) return true;
  }
  return false;
}

}  // namespace

bool Batch::note_reply(BackendType type) {
  switch (type) {
    case BackendType::ParseComplete:
    case BackendType::BindComplete:
    case BackendType::CloseComplete:
    case BackendType::ParameterDescription:
    case BackendType::NoData:
      break;
    default:
      answered = true;
      return true;
  }
  ++acknowledged;
  if (left_out == 0) return true;
  --left_out;
  return false;
}

// Some may still be to be left out: this time it has failed earlier.
void Batch::leave_out_acknowledged() {
  left_out += std::exchange(acknowledged, 0);
}

bool Batch::describes(ByteView messages, std::string_view name) {
  Framer framer(frontend_rule);
  Piece piece;
  bool described = false;
  std::vector<std::string_view> portals;  // bound, and not described yet
  while (framer.next(messages, piece) == FrameStatus::piece) {
    BindView bind;
    TargetView target;
    ExecuteView execute;
    switch (static_cast<FrontendType>(piece.type)) {
      case FrontendType::Query:
        return true;  // the answer to a Query describes its rows
      case FrontendType::Bind:
        if (parse_bind(piece.body(), bind) == Errc::ok && bind.statement == name)
          portals.push_back(bind.portal);
        break;
      case FrontendType::Describe:
        if (parse_target(piece.body(), target) != Errc::ok) break;
        if (target.kind == 'S' && target.name == name) described = true;
        if (target.kind == 'P') std::erase(portals, target.name);
        break;
      case FrontendType::Execute:
        if (described || parse_execute(piece.body(), execute) != Errc::ok) break;
        if (std::find(portals.begin(), portals.end(), execute.portal) != portals.end()) return false;
        break;
      default:
        break;
    }
  }
  return described || portals.empty();
}

bool Batch::reads_binary(ByteView messages, std::string_view name) {
  return has_bind(messages, name, &asks_for_binary);
}

bool Batch::counts_columns(ByteView messages, std::string_view name) {
  return has_bind(messages, name, &pgweir::counts_columns);
}

}  // namespace pgweir
