#include "proxy/backend/shape_reader.hpp"

#include <utility>

#include "protocol/message.hpp"

namespace pgweir {

void ShapeReader::take(const Piece& piece) {
  if (piece.first) body_.clear();
  const ByteView body = piece.body();
  if (body_.size() + body.size() > size_max) failed_ = true;
  if (!failed_) body_.insert(body_.end(), body.begin(), body.end());
  if (piece.last) finish(piece.type);
}

void ShapeReader::finish(char type) {
  if (type == static_cast<char>(BackendType::ParameterDescription)) {
    shape_.parameter_types = std::exchange(body_, {});
    has_parameters_ = true;
    return;
  }
  if (type == static_cast<char>(BackendType::RowDescription) &&
      read_columns(body_, shape_.columns) != Errc::ok)
    failed_ = true;
  body_ = {};
  is_complete_ = true;
}

std::optional<StatementShape> ShapeReader::take_shape() {
  if (!is_complete_) return std::nullopt;
  const bool readable = has_parameters_ && !failed_;
  StatementShape shape = std::move(shape_);
  *this = {};
  if (!readable) return std::nullopt;
  return shape;
}

}  // namespace pgweir
