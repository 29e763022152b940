// What must hold for a framer whatever the bytes are: the pieces, laid end to end, are the input up to where
// it stopped; sizes add up; and a stream cut at other places gives the same messages.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "protocol/framer.hpp"

namespace pgweir::fuzz {

inline void require(bool holds) {
  if (!holds) std::abort();
}

struct Framed {
  std::vector<std::pair<char, std::uint32_t>> messages;  // whole ones: type and body size
  std::size_t consumed = 0;
  Errc errc = Errc::ok;
};

// Offers the stream in reads of `chunk` bytes and carries what is left over, as a session does.
template <class OnPiece>
Framed frame(const LengthRules& rule_of, ByteView stream, std::size_t chunk, OnPiece on_piece) {
  Framer framer(rule_of);
  Framed result;
  std::size_t offered = 0;
  std::size_t body_left = 0;
  while (offered < stream.size()) {
    offered = std::min(stream.size(), offered + chunk);
    ByteView input = stream.subspan(result.consumed, offered - result.consumed);
    Piece piece;
    FrameStatus status = FrameStatus::piece;
    while ((status = framer.next(input, piece)) == FrameStatus::piece) {
      require(piece.bytes.data() == stream.data() + result.consumed && !piece.bytes.empty());
      result.consumed += piece.bytes.size();
      require(input.data() == stream.data() + result.consumed);
      if (piece.first) body_left = piece.body_size;
      require(piece.body().size() <= body_left);
      body_left -= piece.body().size();
      require(piece.last == (body_left == 0) && framer.at_boundary() == piece.last);
      const LengthRule* rule = rule_of(piece.type);
      require(rule != nullptr && piece.body_size >= rule->body_min && piece.body_size <= rule->body_max);
      require(!piece.first || piece.last || piece.body().size() >= rule->whole_max);
      if (piece.last) result.messages.emplace_back(piece.type, piece.body_size);
      on_piece(piece);
    }
    if (status != FrameStatus::error) continue;
    result.errc = framer.errc();
    require(result.errc != Errc::ok && framer.next(input, piece) == FrameStatus::error);
    break;
  }
  return result;
}

// Cut anywhere, a stream holds the same messages and the same error.
template <class OnPiece>
void check_framing(const LengthRules& rule_of, ByteView stream, OnPiece on_piece) {
  const Framed whole = frame(rule_of, stream, std::max<std::size_t>(stream.size(), 1), on_piece);
  for (const std::size_t chunk : {std::size_t{1}, std::size_t{3}, std::size_t{7}, std::size_t{4096}}) {
    const Framed cut = frame(rule_of, stream, chunk, [](const Piece&) {});
    require(cut.messages == whole.messages && cut.errc == whole.errc && cut.consumed == whole.consumed);
  }
}

}  // namespace pgweir::fuzz
