#include "proxy/net/readiness.hpp"

#include <sys/socket.h>

#include <array>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>

#include "proxy/net/task.hpp"
#include "proxy/net/transport.hpp"

using namespace pgweir;

namespace {

Task<> sleep_once(Waker& waker, std::function<void()> action) {
  co_await waker.wait();
  action();
}

struct ReadinessFixture {
  ReadinessFixture() {
    std::array<int, 2> fds{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()) == 0);
    near = Transport(UniqueFd(fds[0]));
    far = UniqueFd(fds[1]);
  }
  void poll() {
    reactor.fetch(std::chrono::milliseconds{0});
    reactor.run_wakers();
  }
  void say(std::string_view text) {
    REQUIRE(::send(far.get(), text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()));
  }

  void on_wake(Waker& sleeper, std::function<void()> action) {
    tasks.start(sleep_once(sleeper, std::move(action)));
  }

  Reactor reactor;
  Waker waker{reactor};
  TaskList tasks{[](std::exception_ptr) { std::abort(); }};
  Transport near;
  UniqueFd far;
};

}  // namespace

TEST_CASE("a sleeper runs when its socket becomes readable, not before and only once") {
  ReadinessFixture f;
  REQUIRE(f.near.attach(f.reactor, &f.waker));
  int woken = 0;
  f.poll();  // a fresh socket is reported as writable
  f.on_wake(f.waker, [&] { ++woken; });
  f.poll();
  REQUIRE(woken == 1);
  f.on_wake(f.waker, [&] { ++woken; });
  f.poll();
  CHECK(woken == 1);
  CHECK_FALSE(f.near.readable());
  f.say("x");
  f.poll();
  CHECK(woken == 2);
  CHECK(f.near.readable());
}

TEST_CASE("a wake before the wait is remembered") {
  ReadinessFixture f;
  bool woken = false;
  f.waker.wake();
  f.poll();
  f.on_wake(f.waker, [&] { woken = true; });
  CHECK_FALSE(woken);  // never inside the call
  f.poll();
  CHECK(woken);
}

TEST_CASE("several wakes are one") {
  ReadinessFixture f;
  int woken = 0;
  f.on_wake(f.waker, [&] { ++woken; });
  f.waker.wake();
  f.waker.wake();
  f.poll();
  f.on_wake(f.waker, [&] { ++woken; });
  f.poll();
  CHECK(woken == 1);
}

TEST_CASE("sleepers run in the order in which they were woken") {
  ReadinessFixture f;
  Waker second(f.reactor);
  Waker third(f.reactor);
  std::string order;
  f.on_wake(f.waker, [&] { order += '1'; });
  f.on_wake(second, [&] { order += '2'; });
  f.on_wake(third, [&] { order += '3'; });
  third.wake();
  f.waker.wake();
  second.wake();
  f.poll();
  CHECK(order == "312");
}

TEST_CASE("a waker that is destroyed wakes nobody any more") {
  ReadinessFixture f;
  bool woken = false;
  {
    Waker gone(f.reactor);
    f.on_wake(gone, [&] { woken = true; });
    gone.wake();
  }
  f.poll();
  CHECK_FALSE(woken);
}

TEST_CASE("a read that takes less than it could have means that nothing more is there") {
  ReadinessFixture f;
  REQUIRE(f.near.attach(f.reactor, nullptr));
  f.say("abc");
  f.poll();
  REQUIRE(f.near.readable());
  std::array<Byte, 2> two{};
  CHECK(f.near.read(two).size == 2);
  CHECK(f.near.readable());
  CHECK(f.near.read(two).size == 1);
  CHECK_FALSE(f.near.readable());
  CHECK(f.near.read(two).status == IoStatus::would_block);
}

TEST_CASE("the end of a stream is told after what came before it") {
  ReadinessFixture f;
  REQUIRE(f.near.attach(f.reactor, nullptr));
  f.say("abc");
  f.far.reset();
  f.poll();
  CHECK(f.near.hung_up());
  std::array<Byte, 8> bytes{};
  CHECK(f.near.read(bytes).size == 3);
  REQUIRE(f.near.readable());
  CHECK(f.near.read(bytes).status == IoStatus::closed);
}

TEST_CASE("a socket that was detached and attached again is reported afresh") {
  ReadinessFixture f;
  REQUIRE(f.near.attach(f.reactor, nullptr));
  f.say("abc");
  f.poll();
  f.near.detach();
  CHECK_FALSE(f.near.attached());
  REQUIRE(f.near.attach(f.reactor, &f.waker));
  CHECK_FALSE(f.near.readable());
  bool woken = false;
  f.on_wake(f.waker, [&] { woken = true; });
  f.poll();
  CHECK(woken);
  CHECK(f.near.readable());
}

TEST_CASE("an interrupt ends a wait, and the next one too until somebody has taken notice") {
  using namespace std::chrono_literals;
  ReadinessFixture f;
  CHECK_FALSE(f.reactor.take_interrupt());
  std::thread other([&] { f.reactor.interrupt(); });
  f.reactor.fetch(1h);
  other.join();
  f.reactor.fetch(1h);
  CHECK(f.reactor.take_interrupt());
  CHECK_FALSE(f.reactor.take_interrupt());
}

TEST_CASE("nobody waits while a sleeper is awake") {
  ReadinessFixture f;
  bool woken = false;
  f.on_wake(f.waker, [&] { woken = true; });
  f.waker.wake();
  f.reactor.fetch(std::chrono::hours{1});
  f.reactor.run_wakers();
  CHECK(woken);
}
