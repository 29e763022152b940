#include "proxy/session/exchange.hpp"

#include <algorithm>
#include <array>

#include "protocol/framer.hpp"
#include "protocol/frontend.hpp"
#include "proxy/state/sql_quote.hpp"

namespace pgweir {
namespace {

// PostgreSQL's encodings for clients only (documentation, 24.3): their characters may hold any ASCII byte.
constexpr std::array<std::string_view, 8> opaque_encodings = {
    "BIG5", "GB18030", "GBK", "JOHAB", "SJIS", "UHC", "SHIFT_JIS_2004", "MULE_INTERNAL"};

std::string_view value_of(const SettingMap& map, std::string_view name) {
  const auto it = map.find(name);
  return it == map.end() ? std::string_view{} : std::string_view{it->second};
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
  if (left_out > 0) {
    --left_out;
    return false;
  }
  ++acknowledged;
  return true;
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
        return true;  // its answer describes its rows
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
  Framer framer(frontend_rule);
  Piece piece;
  while (framer.next(messages, piece) == FrameStatus::piece) {
    BindView bind;
    if (piece.type != static_cast<char>(FrontendType::Bind)) continue;
    if (parse_bind(piece.body(), bind) == Errc::ok && bind.statement == name && asks_for_binary(bind.rest))
      return true;
  }
  return false;
}

void Exchange::use_view(MapRef parameters) {
  if (view == parameters) return;
  view = std::move(parameters);
  const std::string_view encoding = value_of(*view, "client_encoding");
  opaque_backslashes = value_of(*view, "standard_conforming_strings") == "off";
  opaque_characters =
      std::find(opaque_encodings.begin(), opaque_encodings.end(), encoding) != opaque_encodings.end();
}

bool Exchange::is_opaque(std::string_view text) const {
  return (opaque_characters && !is_ascii(text)) ||
         (opaque_backslashes && text.find('\\') != std::string_view::npos);
}

bool Exchange::writes_utf8() const {
  return value_of(*view, "client_encoding") == "UTF8";
}

TextRules Exchange::text_rules() const {
  const bool utf8 = writes_utf8();
  return {utf8, utf8 && value_of(*view, "server_encoding") == "UTF8"};
}

}  // namespace pgweir
