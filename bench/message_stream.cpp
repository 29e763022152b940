#include "bench/message_stream.hpp"

#include <algorithm>
#include <cstring>

namespace pgweir::bench {
namespace {

constexpr std::size_t header_size = 5;       // type byte and length; the length counts itself, not the type
constexpr std::size_t read_size = 2 * 1024;  // a login's ParameterStatus set is well below that

}  // namespace

std::span<Byte> MessageStream::write_area() {
  if (begin_ == end_) begin_ = end_ = 0;
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (buffer_.size() - end_ < read_size) buffer_.resize(std::max(buffer_.size() * 2, end_ + read_size));
  return std::span(buffer_).subspan(end_);
}

MessageStream::Next MessageStream::next(Message& out) {
  const std::size_t have = end_ - begin_;
  if (have < header_size) return Next::need_more;
  const Byte* at = buffer_.data() + begin_;
  const std::size_t length = load_u32(at + 1);
  if (length < 4 || length > message_max) return Next::malformed;
  if (have < length + 1) return Next::need_more;
  out = {static_cast<char>(at[0]), ByteView(at + header_size, length - 4)};
  begin_ += length + 1;
  return Next::message;
}

}  // namespace pgweir::bench
