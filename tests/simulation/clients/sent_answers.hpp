// Counts the answers that the program has sent over one connection, whether or not its client is still there to read them.
// Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "protocol/bytes.hpp"

namespace pgweir::simulation {

class SentAnswers {
 public:
  // The first byte answers a request for TLS, unless it begins an error.
  void expect_byte() { expects_byte_ = true; }
  void add(ByteView bytes);
  // The client has read a ReadyForQuery.
  void note_read() { ++read_; }
  bool has_let_in() const { return !answers_.empty(); }
  // Answers to batches that the client has not read. Those that end with an error are not among them: pgweir may have said it
  // itself.
  struct Unread {
    std::uint64_t answers = 0;
    std::uint64_t ends = 0;  // outside of a transaction
  };
  Unread unread() const;

 private:
  void begin_body();

  bool expects_byte_ = false;
  std::uint8_t header_size_ = 0;  // of it that has come
  Byte header_[5] = {};
  std::uint64_t body_left_ = 0;
  enum class Kind : std::uint8_t { error, answer, end };
  std::vector<Kind> answers_;  // that of the login is the first
  std::size_t read_ = 0;       // of them
  bool is_behind_error_ = false;
};

}  // namespace pgweir::simulation
