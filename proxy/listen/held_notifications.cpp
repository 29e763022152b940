#include "proxy/listen/held_notifications.hpp"

#include <string_view>
#include <utility>

#include "protocol/message.hpp"
#include "protocol/notification.hpp"

namespace pgweir {
namespace {

// Empty: it is not a notification.
std::string_view channel_of(const ByteBuffer& message) {
  NotificationView view;
  const ByteView body = ByteView(message).subspan(message_header_size);
  return parse_notification(body, view) == Errc::ok ? view.channel : std::string_view{};
}

}  // namespace

bool HeldNotifications::add(const Message& message, const ChannelNames& channels) {
  if (!channels.contains(channel_of(*message))) return true;
  held_.push_back({message});
  bytes_ += message->size();
  return bytes_ <= bytes_max;
}

void HeldNotifications::confirm(const ChannelNames& channels) {
  for (std::size_t i = next_; i < held_.size(); ++i) {
    held_[i].is_certain |= channels.contains(channel_of(*held_[i].message));
  }
}

void HeldNotifications::drop_others(const ChannelNames& channels) {
  held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(std::exchange(next_, 0)));
  std::erase_if(held_, [this, &channels](const Held& held) {
    const bool is_other = !channels.contains(channel_of(*held.message));
    if (is_other) bytes_ -= held.message->size();
    return is_other;
  });
}

HeldNotifications::Message HeldNotifications::take(const ChannelNames& channels) {
  while (!empty()) {
    Held held = std::move(held_[next_++]);
    bytes_ -= held.message->size();
    if (held.is_certain || channels.contains(channel_of(*held.message))) return std::move(held.message);
  }
  std::vector<Held>().swap(held_);
  next_ = 0;
  return nullptr;
}

}  // namespace pgweir
