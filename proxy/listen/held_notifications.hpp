// The notifications of one session that wait until its client may have them: between its transactions. Which
// of them it may have is known by then; what it listens to may change while they wait.
//
// Owned by a ListenState. Pure.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "protocol/bytes.hpp"

namespace pgweir {

using ChannelNames = std::set<std::string, std::less<>>;

class HeldNotifications {
 public:
  // A client that takes no notifications may have so many bytes of them waiting.
  static constexpr std::size_t bytes_max = 16 * 1024 * 1024;

  using Message = std::shared_ptr<const ByteBuffer>;

  bool empty() const { return next_ == held_.size(); }
  // A whole message; on none of these channels it is dropped. False: there are too many.
  [[nodiscard]] bool add(const Message& message, const ChannelNames& channels);
  // An UNLISTEN takes effect: what has come before it, on these channels, is the client's all the same.
  void confirm(const ChannelNames& channels);
  // Drops what is on none of these channels.
  void drop_others(const ChannelNames& channels);
  // The oldest one that the client is to have, who listens to these channels; null: none.
  Message take(const ChannelNames& channels);

 private:
  struct Held {
    Message message;
    bool is_certain = false;  // it came before an UNLISTEN
  };

  std::vector<Held> held_;
  std::size_t next_ = 0;  // those before it have been taken
  std::size_t bytes_ = 0;
};

}  // namespace pgweir
