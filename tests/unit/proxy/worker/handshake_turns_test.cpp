#include "proxy/worker/handshake_turns.hpp"

#include <catch2/catch.hpp>
#include <deque>
#include <optional>
#include <string>

#include "proxy/net/task.hpp"

using namespace pgweir;

namespace {

// Handshakes of as many steps as each is told, on a loop like a worker's.
struct Loop {
  struct Client {
    Client(Loop& loop, char letter)
        : waker(loop.reactor), place(std::in_place, loop.turns, waker), name(letter) {}
    Waker waker;
    std::optional<HandshakeTurns::Place> place;
    char name;
  };

  static Task<> shake(Loop& loop, Client& client, int steps) {
    while (steps > 0) {
      if (!client.place->take(loop.now)) {
        co_await client.waker.wait();
        continue;
      }
      loop.taken += client.name;
      const HandshakeTurns::TimePoint began = loop.now;
      loop.now += std::chrono::milliseconds{1};  // as long as a step takes here
      client.place->step_ended(began, loop.now);
      --steps;
    }
    client.place.reset();
  }

  Client& arrive(char name, int steps = 1) {
    Client& client = clients.emplace_back(*this, name);
    tasks.start(shake(*this, client, steps));
    return client;
  }

  // What a worker does in each round; who took a step in it.
  std::string round() {
    taken.clear();
    reactor.fetch(std::chrono::milliseconds{0});
    reactor.run_wakers();
    turns.next_round(now);
    return taken;
  }

  Reactor reactor;
  HandshakeTurns turns;
  HandshakeTurns::TimePoint now{std::chrono::hours{1}};
  std::string taken;
  std::deque<Client> clients;
  TaskList tasks{[](std::exception_ptr error) { std::rethrow_exception(error); }};
};

}  // namespace

TEST_CASE("whoever comes while nobody waits takes its step at once") {
  Loop loop;
  loop.arrive('a');
  CHECK(loop.taken == "a");
}

TEST_CASE("one step is taken in each round, in the order of arrival") {
  Loop loop;
  for (const char name : {'a', 'b', 'c', 'd'}) loop.arrive(name);
  CHECK(loop.taken == "a");
  std::string all;
  CHECK(loop.round().empty());  // that of the first
  for (int i = 0; i < 3; ++i) {
    const std::string taken = loop.round();
    CHECK(taken.size() == 1);
    all += taken;
  }
  CHECK(all == "bcd");
  CHECK(loop.round().empty());
}

TEST_CASE("a second step has to queue behind those who wait") {
  Loop loop;
  loop.arrive('a', 3);
  loop.arrive('b', 2);
  std::string all = loop.taken;
  for (int i = 0; i < 6; ++i) all += loop.round();
  CHECK(all == "aabab");
}

TEST_CASE("a newcomer does not overtake who waits when the round is fresh") {
  Loop loop;
  loop.arrive('a');
  loop.arrive('b');
  loop.turns.next_round(loop.now);
  loop.taken.clear();
  loop.arrive('c');
  CHECK(loop.taken.empty());
  CHECK(loop.round() == "b");
  CHECK(loop.round() == "c");
}

TEST_CASE("who leaves the queue is not waited for") {
  const int leaver = GENERATE(1, 2, 3);
  Loop loop;
  for (const char name : {'a', 'b', 'c', 'd'}) loop.arrive(name);
  loop.tasks.clear();  // as a worker that stops
  loop.clients[static_cast<std::size_t>(leaver)].place.reset();
  for (Loop::Client& client : loop.clients) {
    if (client.name != 'a' && client.place) loop.tasks.start(Loop::shake(loop, client, 1));
  }
  std::string all;
  for (int i = 0; i < 5; ++i) all += loop.round();
  std::string expected = "bcd";
  expected.erase(static_cast<std::size_t>(leaver) - 1, 1);
  CHECK(all == expected);
}

TEST_CASE("while there are queries the worker rests from each step, and only then") {
  using namespace std::chrono_literals;
  Loop loop;
  loop.turns.note_query(loop.now - HandshakeTurns::settled_after, loop.now);
  for (const char name : {'a', 'b', 'c'}) loop.arrive(name);
  CHECK(loop.taken == "a");
  CHECK(loop.turns.rests(loop.now));
  loop.round();
  CHECK(loop.round().empty());
  loop.now += HandshakeTurns::rest_factor * 1ms;
  CHECK_FALSE(loop.turns.rests(loop.now));
  loop.round();
  CHECK(loop.round() == "b");
  loop.now += HandshakeTurns::query_window;
  loop.round();
  CHECK(loop.round() == "c");
  CHECK_FALSE(loop.turns.rests(loop.now));
  loop.taken.clear();
  loop.arrive('d');
  loop.arrive('e');
  std::string all = loop.taken;
  for (int i = 0; i < 3; ++i) all += loop.round();
  CHECK(all == "de");
}

TEST_CASE("the queries of clients that have just come slow no handshake down") {
  Loop loop;
  loop.turns.note_query(loop.now - std::chrono::milliseconds{999}, loop.now);
  loop.arrive('a');
  loop.arrive('b');
  CHECK_FALSE(loop.turns.rests(loop.now));
  loop.round();
  CHECK(loop.round() == "b");
}
