#include "tests/simulation/clients/sent_answers.hpp"

#include <algorithm>
#include <utility>

namespace pgweir::simulation {

void SentAnswers::add(ByteView bytes) {
  if (!bytes.empty() && std::exchange(expects_byte_, false) && bytes.front() != 'E') bytes = bytes.subspan(1);
  while (!bytes.empty()) {
    if (body_left_ > 0) {
      if (header_[0] == 'Z')
        answers_.push_back(is_behind_error_ ? Kind::error : bytes.front() == 'I' ? Kind::end : Kind::answer);
      const std::size_t size = std::min<std::uint64_t>(body_left_, bytes.size());
      bytes = bytes.subspan(size);
      body_left_ -= size;
      continue;
    }
    header_[header_size_++] = bytes.front();
    bytes = bytes.subspan(1);
    if (header_size_ == sizeof header_) begin_body();
  }
}

SentAnswers::Unread SentAnswers::unread() const {
  Unread unread;
  for (std::size_t i = std::max<std::size_t>(read_, 1); i < answers_.size(); ++i) {
    if (answers_[i] == Kind::error) continue;
    ++unread.answers;
    if (answers_[i] == Kind::end) ++unread.ends;
  }
  return unread;
}

// A ParameterStatus may stand between an error and the end of the answer.
void SentAnswers::begin_body() {
  const Byte type = header_[0];
  if (type == 'E') is_behind_error_ = true;
  if (type != 'E' && type != 'Z' && type != 'S') is_behind_error_ = false;
  header_size_ = 0;
  body_left_ = load_u32(header_ + 1) - 4;
}

}  // namespace pgweir::simulation
