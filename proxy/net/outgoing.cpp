#include "proxy/net/outgoing.hpp"

#include <algorithm>
#include <climits>

namespace pgweir {
namespace {

// Nothing can be sent any more. A write does not know the quiet end that a read has.
bool is_broken(const IoResult& result) {
  return result.status == IoStatus::failed || result.status == IoStatus::closed;
}

}  // namespace

bool Backlog::flush(Transport& to) {
  while (!empty() && to.writable()) {
    const iovec part{bytes_.data() + sent_, size()};
    const IoResult result = to.write({&part, 1});
    if (is_broken(result)) return false;
    sent_ += result.size;
    if (result.size == 0) break;
  }
  if (empty()) clear();
  return true;
}

void Backlog::clear() {
  ByteBuffer().swap(bytes_);
  sent_ = 0;
}

void Outgoing::end_own() {
  const std::size_t added = own_.size() - own_ended_;
  if (added == 0) return;
  size_ += added;
  if (!parts_.empty() && parts_.back().view == nullptr) {
    parts_.back().size += added;  // own bytes follow each other in own_
  } else {
    parts_.push_back({nullptr, own_ended_, added});
  }
  own_ended_ = own_.size();
}

bool Outgoing::send_parts(Transport& to, Backlog& backlog) {
  if (!backlog.empty()) {
    keep_rest(0, backlog);
    clear();
    return backlog.flush(to);
  }
  const std::size_t count = std::min<std::size_t>(parts_.size(), IOV_MAX);
  if (vector_.size() < count) vector_.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    const ByteView bytes = bytes_of(parts_[i]);
    vector_[i] = {const_cast<Byte*>(bytes.data()), bytes.size()};
  }
  const IoResult result = to.write(std::span(vector_).first(count));
  const bool alive = !is_broken(result);
  if (alive && result.size < size_) keep_rest(result.size, backlog);
  clear();
  return alive && (backlog.empty() || backlog.flush(to));
}

void Outgoing::keep_rest(std::size_t sent, Backlog& backlog) {
  for (const Part& part : parts_) {
    const ByteView bytes = bytes_of(part);
    const std::size_t skipped = std::min(sent, bytes.size());
    sent -= skipped;
    backlog.append(bytes.subspan(skipped));
  }
}

void Outgoing::clear() {
  constexpr std::size_t kept_capacity = 64 * 1024;
  parts_.clear();
  if (own_.capacity() > kept_capacity) ByteBuffer().swap(own_);
  own_.clear();
  own_ended_ = 0;
  size_ = 0;
}

ByteBuffer Outgoing::bytes() const {
  ByteBuffer all;
  for (const Part& part : parts_) {
    const ByteView bytes = bytes_of(part);
    all.insert(all.end(), bytes.begin(), bytes.end());
  }
  return all;
}

}  // namespace pgweir
