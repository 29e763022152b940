// Over a socket pair whose send buffer is tiny, so that the kernel takes a part only.
#include "proxy/net/outgoing.hpp"

#include <sys/socket.h>

#include <array>
#include <catch2/catch.hpp>
#include <climits>
#include <random>

using namespace pgweir;

namespace {

constexpr int rounds_max = 10'000;

struct Pair {
  Pair() {
    std::array<int, 2> fds{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()) == 0);
    near = Transport(UniqueFd(fds[0]));
    far = UniqueFd(fds[1]);
    const int tiny = 1;  // the kernel makes it its minimum
    REQUIRE(::setsockopt(near.fd(), SOL_SOCKET, SO_SNDBUF, &tiny, sizeof tiny) == 0);
    REQUIRE(near.attach(reactor, nullptr));
  }

  // What is there now.
  void read_far() {
    std::array<Byte, 1024> bytes{};
    for (int i = 0; i < rounds_max; ++i) {
      const ssize_t n = ::recv(far.get(), bytes.data(), bytes.size(), 0);
      if (n <= 0) return;
      received.insert(received.end(), bytes.begin(), bytes.begin() + n);
    }
    FAIL("the far end never runs dry");
  }

  // Lets the far end read everything and the near end send the rest.
  void drain(Backlog& backlog) {
    for (int i = 0; i < rounds_max && !backlog.empty(); ++i) {
      read_far();
      reactor.fetch(std::chrono::milliseconds{0});
      REQUIRE(backlog.flush(near));
    }
    REQUIRE(backlog.empty());
    read_far();
  }

  Reactor reactor;
  Transport near;
  UniqueFd far;
  ByteBuffer received;
};

// Bytes that tell where they belong.
ByteBuffer numbered(std::size_t size, std::size_t from = 0) {
  ByteBuffer bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<Byte>((from + i) * 7 % 251);
  return bytes;
}

void append_own(Outgoing& out, const ByteBuffer& bytes) {
  out.own().insert(out.own().end(), bytes.begin(), bytes.end());
  out.end_own();
}

// How much the kernel takes of one large write.
std::size_t taken_at_once() {
  Pair pair;
  Outgoing out;
  Backlog backlog;
  const ByteBuffer bytes(1024 * 1024);
  out.add_view(bytes);
  REQUIRE(out.send(pair.near, backlog));
  REQUIRE_FALSE(backlog.empty());
  return bytes.size() - backlog.size();
}

}  // namespace

TEST_CASE("views and own bytes arrive in the order in which they were added") {
  Pair pair;
  Outgoing out;
  Backlog backlog;
  const ByteBuffer one = numbered(10, 0);
  const ByteBuffer three = numbered(5, 14);
  out.add_view(one);
  append_own(out, numbered(3, 10));
  append_own(out, numbered(1, 13));
  out.add_view({});
  out.end_own();  // nothing was added
  out.add_view(ByteView(three).first(2));
  out.add_view(ByteView(three).subspan(2));
  append_own(out, numbered(4, 19));
  CHECK(out.size() == 23);
  REQUIRE(out.send(pair.near, backlog));
  CHECK(out.empty());
  CHECK(out.size() == 0);
  CHECK(backlog.empty());
  pair.read_far();
  CHECK(pair.received == numbered(23));
}

TEST_CASE("nothing to send is nothing sent") {
  Pair pair;
  Outgoing out;
  Backlog backlog;
  CHECK(out.send(pair.near, backlog));
  pair.read_far();
  CHECK(pair.received.empty());
}

TEST_CASE("own bytes survive when their buffer grows") {
  Pair pair;
  Outgoing out;
  Backlog backlog;
  const ByteBuffer view = numbered(1, 1);
  append_own(out, numbered(1));
  out.add_view(view);
  append_own(out, numbered(2000, 2));
  REQUIRE(out.send(pair.near, backlog));
  pair.drain(backlog);
  CHECK(pair.received == numbered(2002));
}

TEST_CASE("a write that ends at any byte of any part is continued at the next") {
  constexpr std::size_t own_size = 8;
  constexpr std::size_t view_size = 8;
  const std::size_t taken = taken_at_once();
  REQUIRE(taken > 100);
  // The kernel stops at the same byte each time: the parts are moved across it.
  std::size_t partial = 0;
  for (std::size_t lead = taken - own_size - view_size - 4; lead <= taken + 1; ++lead) {
    Pair pair;
    Outgoing out;
    Backlog backlog;
    const ByteBuffer head = numbered(lead);
    const ByteBuffer view = numbered(view_size, lead + own_size);
    const ByteBuffer tail = numbered(64, lead + own_size + view_size + 2);
    out.add_view(head);
    append_own(out, numbered(own_size, lead));
    out.add_view(view);
    append_own(out, numbered(2, lead + own_size + view_size));
    out.add_view(tail);
    const std::size_t total = out.size();
    REQUIRE(out.send(pair.near, backlog));
    if (!backlog.empty()) ++partial;
    pair.drain(backlog);
    REQUIRE(pair.received == numbered(total));
  }
  CHECK(partial == own_size + view_size + 6);
}

TEST_CASE("what is sent while a backlog waits goes behind it") {
  Pair pair;
  Outgoing out;
  Backlog backlog;
  const std::size_t first = taken_at_once() + 500;
  ByteBuffer bytes = numbered(first);
  out.add_view(bytes);
  REQUIRE(out.send(pair.near, backlog));
  REQUIRE(backlog.size() == 500);
  append_own(out, numbered(10, first));
  REQUIRE(out.send(pair.near, backlog));
  CHECK(out.empty());
  CHECK(backlog.size() == 510);
  std::fill(bytes.begin(), bytes.end(), Byte{0});  // the views are not needed any more
  pair.drain(backlog);
  CHECK(pair.received == numbered(first + 10));
  append_own(out, numbered(5, first + 10));
  REQUIRE(out.send(pair.near, backlog));
  CHECK(backlog.empty());
  pair.read_far();
  CHECK(pair.received == numbered(first + 15));
}

TEST_CASE("more parts than one system call takes are all sent") {
  Pair pair;
  Outgoing out;
  Backlog backlog;
  constexpr std::size_t parts = IOV_MAX * 2 + 10;
  const ByteBuffer bytes = numbered(parts);
  for (std::size_t i = 0; i < parts; ++i) {
    if (i % 2 == 0) {
      out.add_view(ByteView(bytes).subspan(i, 1));
    } else {
      append_own(out, {bytes[i]});
    }
  }
  REQUIRE(out.send(pair.near, backlog));
  pair.drain(backlog);
  CHECK(pair.received == bytes);
}

TEST_CASE("random parts to a peer that reads now and then arrive whole and in order") {
  std::mt19937 random(GENERATE(1U, 2U, 3U));
  const auto pick = [&random](std::size_t below) {
    return std::uniform_int_distribution<std::size_t>(0, below - 1)(random);
  };
  Pair pair;
  Outgoing out;
  Backlog backlog;
  std::size_t position = 0;
  bool was_behind = false;
  for (int round = 0; round < 300; ++round) {
    std::vector<ByteBuffer> views;
    views.reserve(8);
    for (std::size_t i = pick(8); i > 0; --i) {
      const ByteBuffer part = numbered(pick(1500), position);
      position += part.size();
      if (pick(2) == 0) {
        append_own(out, part);
      } else {
        out.add_view(views.emplace_back(part));
      }
    }
    REQUIRE(out.send(pair.near, backlog));
    was_behind = was_behind || !backlog.empty();
    if (pick(4) == 0) pair.drain(backlog);
  }
  pair.drain(backlog);
  CHECK(was_behind);
  CHECK(pair.received == numbered(position));
}

TEST_CASE("a peer that is gone is noticed, and nothing of what was meant for it stays") {
  Pair pair;
  Outgoing out;
  Backlog backlog;
  pair.far.reset();
  append_own(out, numbered(10));
  CHECK_FALSE(out.send(pair.near, backlog));
  CHECK(out.empty());
  CHECK(backlog.empty());
}

TEST_CASE("what was collected for a peer can be dropped") {
  Pair pair;
  Outgoing out;
  Backlog backlog;
  const ByteBuffer view = numbered(3);
  out.add_view(view);
  append_own(out, numbered(3));
  out.own().push_back(1);  // not ended
  out.clear();
  CHECK(out.empty());
  REQUIRE(out.send(pair.near, backlog));
  append_own(out, numbered(4));
  REQUIRE(out.send(pair.near, backlog));
  pair.read_far();
  CHECK(pair.received == numbered(4));
}
