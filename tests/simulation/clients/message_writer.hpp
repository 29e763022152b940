// Appends one message of the protocol, whose length is known at its end. Pure.
#pragma once

#include <cstdint>
#include <string_view>

#include "protocol/bytes.hpp"

namespace pgweir::simulation {

class MessageWriter {
 public:
  MessageWriter(ByteBuffer& out, char type) : out_(out), start_(out.size()) {
    out_.push_back(static_cast<Byte>(type));
    out_.resize(out_.size() + 4);
  }
  ~MessageWriter() {
    const auto size = static_cast<std::uint32_t>(out_.size() - start_ - 1);
    for (std::size_t i = 0; i < 4; ++i) out_[start_ + 1 + i] = static_cast<Byte>(size >> (24 - 8 * i));
  }
  MessageWriter(const MessageWriter&) = delete;
  MessageWriter& operator=(const MessageWriter&) = delete;

  // Ended by a zero.
  MessageWriter& text(std::string_view value) {
    raw(value);
    out_.push_back(0);
    return *this;
  }
  MessageWriter& raw(std::string_view value) {
    out_.insert(out_.end(), value.begin(), value.end());
    return *this;
  }
  MessageWriter& number(std::uint64_t value, std::size_t bytes) {
    for (std::size_t i = 0; i < bytes; ++i) out_.push_back(static_cast<Byte>(value >> (8 * (bytes - 1 - i))));
    return *this;
  }

 private:
  ByteBuffer& out_;
  std::size_t start_;
};

}  // namespace pgweir::simulation
