// What goes to one peer in one write: views of received bytes and pgweir's own bytes, in order.
//
//   received:  | Bind s1 ......... | Execute | Sync |
//   parts:       own: Bind head     view: rest of Bind, Execute, Sync     -> one sendmsg
//
// A worker has one Outgoing per direction, used by the session that is running. It is empty between two runs:
// what the peer did not take is copied to the session's Backlog.
#pragma once

#include <sys/uio.h>

#include <vector>

#include "protocol/bytes.hpp"
#include "proxy/net/transport.hpp"

namespace pgweir {

// Bytes that a slow peer has not taken yet. Owns no memory while empty.
class Backlog {
 public:
  bool empty() const { return sent_ == bytes_.size(); }
  std::size_t size() const { return bytes_.size() - sent_; }
  void append(ByteView bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }
  // Writes what the peer takes. False: the connection is broken.
  bool flush(Transport& to);
  void clear();

 private:
  ByteBuffer bytes_;
  std::size_t sent_ = 0;
};

class Outgoing {
 public:
  bool empty() const { return parts_.empty(); }
  std::size_t size() const { return size_; }

  // Bytes that stay where they are until send().
  void add_view(ByteView bytes) {
    size_ += bytes.size();
    if (!parts_.empty() && parts_.back().view != nullptr && parts_.back().end() == bytes.data()) {
      parts_.back().size += bytes.size();
    } else if (!bytes.empty()) {
      parts_.push_back({bytes.data(), 0, bytes.size()});
    }
  }
  // Own bytes: append to what own() returns, then call end_own().
  ByteBuffer& own() { return own_; }
  void end_own();

  // Sends through `to`, after what is in `backlog`, and becomes empty. False: the connection is broken.
  bool send(Transport& to, Backlog& backlog) { return empty() || send_parts(to, backlog); }
  // Drops everything, for a peer that is gone.
  void clear();
  // What send() would send.
  ByteBuffer bytes() const;

 private:
  struct Part {
    const Byte* view;  // nullptr: own bytes from `offset`
    std::size_t offset;
    std::size_t size;

    const Byte* end() const { return view + size; }
  };

  ByteView bytes_of(const Part& part) const {
    return part.view != nullptr ? ByteView{part.view, part.size}
                                : ByteView{own_}.subspan(part.offset, part.size);
  }
  bool send_parts(Transport& to, Backlog& backlog);
  void keep_rest(std::size_t sent, Backlog& backlog);

  std::vector<Part> parts_;
  std::vector<iovec> vector_;  // never shrinks, so that it need not be filled up again
  ByteBuffer own_;
  std::size_t own_ended_ = 0;
  std::size_t size_ = 0;
};

}  // namespace pgweir
