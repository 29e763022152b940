// Puts together what the server says of a statement, from ParameterDescription and RowDescription or NoData,
// each whole or in pieces. Pure; owned by one session.
#pragma once

#include <optional>

#include "protocol/framer.hpp"
#include "protocol/statement_shape.hpp"

namespace pgweir {

class ShapeReader {
 public:
  // Longer descriptions than this many bytes are not put together.
  static constexpr std::size_t size_max = 1024 * 1024;

  // Takes a piece of any of the three messages.
  void take(const Piece& piece);
  // The description, once all of it is here; nullopt also if it could not be read.
  std::optional<StatementShape> take_shape();

 private:
  void finish(char type);

  ByteBuffer body_;
  StatementShape shape_;
  bool has_parameters_ = false;
  bool is_complete_ = false;
  bool failed_ = false;
};

}  // namespace pgweir
