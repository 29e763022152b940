#include "proxy/entry/client_link.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <string>
#include <string_view>

#include "../far_end.hpp"
#include "../relay_script.hpp"
#include "protocol/authentication.hpp"
#include "proxy/entry/life.hpp"

using namespace pgweir;
using test::RelayScript;

namespace {

// A client at the other end of a socket pair.
struct Linked : RelayScript {
  explicit Linked(std::array<int, 2> fds = test::socket_pair())
      : link(worker(), UniqueFd(fds[0]), "here"), far(fds[1]) {
    REQUIRE(link.transport.attach(worker().reactor(), nullptr));
    look();
  }

  void look() { worker().reactor().fetch(std::chrono::milliseconds{0}); }
  void send(std::string_view bytes) {
    REQUIRE(::send(far.get(), bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
    look();
  }
  void write(std::string_view bytes) {
    ByteBuffer& out = worker().to_client().own();
    out.insert(out.end(), bytes.begin(), bytes.end());
    worker().to_client().end_own();
  }
  std::string received() {
    std::array<char, 1024> bytes{};
    const ssize_t size = ::recv(far.get(), bytes.data(), bytes.size(), 0);
    return size > 0 ? std::string(bytes.data(), static_cast<std::size_t>(size)) : std::string();
  }
  std::string carried() const { return {link.carry.begin(), link.carry.end()}; }

  ClientLink link;
  UniqueFd far;
  Life life;
};

}  // namespace

TEST_CASE("what a client sends before it is logged in is collected, and leaves no copy behind") {
  Linked client;
  CHECK_FALSE(client.link.read_few(client.life));
  client.send("pass");
  CHECK(client.link.read_few(client.life));
  client.send("word, and more");
  CHECK(client.link.read_few(client.life));
  CHECK(client.carried() == "password, and more");
  const std::span<Byte> scratch = client.worker().scratch();
  CHECK(std::search(scratch.begin(), scratch.begin() + 64, client.link.carry.begin() + 4,
                    client.link.carry.begin() + 8) == scratch.begin() + 64);
  client.link.drop(10);
  CHECK(client.carried() == "and more");
  client.link.drop(0);
  CHECK(client.carried() == "and more");
  CHECK_FALSE(client.life.is_over());
}

TEST_CASE("a client that sends far more than a login needs is refused") {
  Linked client;
  const std::string much(authentication_message_max, 'x');
  for (int i = 0; i < 2; ++i) {
    client.send(much);
    while (client.link.read_few(client.life)) {
    }
  }
  CHECK_FALSE(client.life.is_over());
  client.send("x");
  CHECK_FALSE(client.link.read_few(client.life));
  CHECK(client.life.reason == Reason::protocol_violation);
}

TEST_CASE("a client that closes is noticed") {
  Linked client;
  client.far.reset();
  client.look();
  CHECK_FALSE(client.link.read_few(client.life));
  CHECK(client.life.reason == Reason::client_closed);
}

TEST_CASE("what is written for a client that is gone is dropped, and said once") {
  Linked client;
  client.write("hello");
  CHECK(client.link.flush());
  CHECK(client.received() == "hello");
  client.far.reset();
  client.write("nobody reads this");
  CHECK_FALSE(client.link.flush());
  CHECK(client.link.gone);
  client.write("nor this");
  CHECK(client.link.flush());
  CHECK(client.worker().to_client().empty());
}
