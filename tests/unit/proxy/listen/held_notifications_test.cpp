#include "proxy/listen/held_notifications.hpp"

#include <catch2/catch.hpp>

#include "protocol/message.hpp"

using namespace pgweir;

namespace {

HeldNotifications::Message notification(const std::string& channel, const std::string& payload = {}) {
  ByteBuffer bytes;
  Writer(bytes).begin_message('A').u32(1).cstring(channel).cstring(payload).end_message();
  return std::make_shared<const ByteBuffer>(std::move(bytes));
}

const ChannelNames ab{"a", "b"};

}  // namespace

TEST_CASE("notifications come out in their order, those of other channels not at all") {
  HeldNotifications held;
  const auto first = notification("a", "1"), second = notification("b", "2");
  CHECK(held.add(first, ab));
  CHECK(held.add(notification("c"), ab));
  CHECK(held.add(second, ab));
  CHECK(held.take(ab) == first);
  CHECK_FALSE(held.empty());
  CHECK(held.take(ab) == second);
  CHECK(held.empty());
  CHECK(held.take(ab) == nullptr);
}

TEST_CASE("what came before an UNLISTEN is delivered after it, and what came behind is not") {
  HeldNotifications held;
  const auto before = notification("a");
  CHECK(held.add(before, ab));
  held.confirm(ab);
  CHECK(held.add(notification("a"), ab));
  CHECK(held.take({"b"}) == before);
  CHECK(held.take({"b"}) == nullptr);
}

TEST_CASE("what came before a LISTEN is dropped, of that channel alone") {
  HeldNotifications held;
  const auto other = notification("a");
  CHECK(held.add(notification("a"), ab));
  CHECK(held.take(ab) != nullptr);
  CHECK(held.add(notification("b"), ab));
  CHECK(held.add(other, ab));
  held.drop_others({"a"});
  CHECK(held.take(ab) == other);
  CHECK(held.take(ab) == nullptr);
}

TEST_CASE("only so many bytes are held, and those that were taken or dropped do not count") {
  HeldNotifications held;
  const auto large = notification("a", std::string(HeldNotifications::bytes_max / 2 - 100, 'x'));
  CHECK(held.add(large, ab));
  CHECK(held.add(large, ab));
  CHECK(held.take(ab) == large);
  CHECK(held.add(large, ab));
  CHECK_FALSE(held.add(large, ab));
  held.drop_others({"b"});
  CHECK(held.empty());
  CHECK(held.add(large, ab));
  CHECK(held.add(large, ab));
}
