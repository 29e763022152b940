#include "proxy/session/farewell.hpp"

#include <sys/socket.h>

#include <catch2/catch.hpp>

#include "../session_stage.hpp"

using namespace pgweir;
using namespace std::chrono_literals;

namespace {

// A session whose client is told why it ends.
class Parting : public test::SessionStage {
 public:
  void begin(bool may_speak = true) {
    tasks_.start(part(may_speak));
    look();
  }
  // As the janitor does when the time has come.
  void wake() {
    waker.wake();
    look();
  }
  // So that not much fits into the socket.
  void narrow() {
    const int size = 4096;
    REQUIRE(::setsockopt(link.transport.fd(), SOL_SOCKET, SO_SNDBUF, &size, sizeof size) == 0);
  }

  bool is_done = false;
  Counter sent;

 private:
  Task<> part(bool may_speak) {
    co_await say_goodbye(parts, may_speak, &sent);
    is_done = true;
  }

  TaskList tasks_{[](std::exception_ptr error) { std::rethrow_exception(error); }};
};

}  // namespace

TEST_CASE("a client is told why it is closed, and has a moment to read that") {
  Parting session;
  session.life.end(Reason::idle_timeout);
  session.begin();
  CHECK(session.client() == "E(57P05)");
  CHECK(session.far.has_ended());
  CHECK(session.life.closes_at == session.worker().now() + linger_timeout);
  SECTION("until it closes") {
    session.wake();
    CHECK_FALSE(session.is_done);
    session.far.close();
    session.look();
  }
  SECTION("what it still sends is thrown away") {
    session.far.send(ByteBuffer(100'000, 'x'));
    for (int i = 0; i < 10; ++i) session.look();
    CHECK_FALSE(session.is_done);
    session.far.end();
    session.look();
  }
  SECTION("but not for ever") {
    session.pass(linger_timeout - 1ms);
    session.wake();
    CHECK_FALSE(session.is_done);
    session.pass(1ms);
    session.wake();
  }
  CHECK(session.is_done);
  CHECK(session.link.gone);
  CHECK_FALSE(session.link.transport.is_open());
}

TEST_CASE("a session has its own words where the reason's are not enough") {
  Parting session;
  session.life.end(Reason::bad_settings, "cannot be changed", "55P02");
  session.begin();
  CHECK(session.client() == "E(55P02)");
}

TEST_CASE("the bytes of a farewell are counted") {
  Parting session;
  session.life.end(Reason::killed);
  ByteBuffer words;
  write_reason(words, Reason::killed);
  session.begin();
  CHECK(session.sent.get() == words.size());
}

TEST_CASE("a client that is told nothing is closed at once") {
  Parting session;
  bool may_speak = true;
  SECTION("it has said goodbye itself") {
    session.life.end(Reason::terminated);
  }
  SECTION("it has closed") {
    session.life.end(Reason::client_closed);
  }
  SECTION("it is in the middle of a message") {
    session.life.end(Reason::server_lost);
    may_speak = false;
  }
  SECTION("its connection is broken") {
    session.life.end(Reason::client_lost);
  }
  SECTION("it has turned out to be gone") {
    session.life.end(Reason::killed);
    session.link.gone = true;
  }
  session.begin(may_speak);
  CHECK(session.is_done);
  CHECK(session.client().empty());
  CHECK(session.far.has_ended());
  CHECK(session.sent.get() == 0);
}

TEST_CASE("what was written for the client goes out, whatever the reason") {
  Parting session;
  write_ready_for_query(session.worker().to_client().own(), 'I');
  SECTION("in front of it") {
    session.life.end(Reason::draining);
    session.begin();
    CHECK(session.client() == "Z(I) E(57P01)");
  }
  SECTION("without a word") {
    session.life.end(Reason::terminated);
    session.begin();
    CHECK(session.client() == "Z(I)");
    CHECK(session.sent.get() == 6);
    CHECK_FALSE(session.is_done);
  }
}

TEST_CASE("a slow client gets all that waits for it, and then the reason") {
  Parting session;
  session.narrow();
  ByteBuffer row;
  Writer(row).begin_message('D').raw(ByteBuffer(200'000)).end_message();
  session.link.backlog.append(row);
  session.life.end(Reason::draining);
  session.begin();
  CHECK_FALSE(session.link.backlog.empty());
  SECTION("it reads") {
    std::string told;
    for (int i = 0; i < 1000 && !session.far.has_ended(); ++i) {
      const std::string more = session.client();
      told += (told.empty() || more.empty() ? "" : " ") + more;
      session.look();
    }
    CHECK(told == "D E(57P01)");
    CHECK_FALSE(session.is_done);
    session.far.close();
    session.look();
  }
  SECTION("it does not") {
    session.pass(linger_timeout);
    session.wake();
  }
  CHECK(session.is_done);
  CHECK(session.link.backlog.empty());
}

TEST_CASE("a client that takes nothing is cut off, with what waits for it") {
  Parting session;
  session.narrow();
  session.link.backlog.append(ByteBuffer(200'000));
  session.life.end(Reason::client_write_timeout);
  session.begin();
  CHECK(session.is_done);
  CHECK(session.far.received().empty());
  CHECK_FALSE(session.link.transport.is_open());
}
