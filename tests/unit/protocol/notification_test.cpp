#include "protocol/notification.hpp"

#include <catch2/catch.hpp>

using namespace pgweir;

TEST_CASE("a notification is read only when it is whole") {
  ByteBuffer body;
  Writer(body).u32(4711).cstring("jobs").cstring("number 7");
  NotificationView view;
  REQUIRE(parse_notification(body, view) == Errc::ok);
  CHECK(view.pid == 4711);
  CHECK(view.channel == "jobs");
  CHECK(view.payload == "number 7");
  for (std::size_t size = 0; size < body.size(); ++size) {
    INFO(size);
    CHECK(parse_notification(ByteView(body).first(size), view) != Errc::ok);
  }
  body.push_back(0);
  CHECK(parse_notification(body, view) == Errc::trailing_bytes);
}

TEST_CASE("a notification may have no payload") {
  ByteBuffer body;
  Writer(body).u32(1).cstring("jobs").cstring("");
  NotificationView view;
  REQUIRE(parse_notification(body, view) == Errc::ok);
  CHECK(view.payload.empty());
}
