#include "proxy/session/client_side.hpp"

#include <catch2/catch.hpp>

#include "../session_stage.hpp"

using namespace pgweir;
using test::Sides;

namespace {

// A client whose statement is on the only backend, which another session comes to wait for.
struct Contended : Sides {
  Contended() {
    add_server();
    run("> P(s,select 1) B(s) E S < 1 t n 2 C(SELECT 1) Z(I)");
    server();
    client();
  }
  ~Contended() override { pool().stop_waiting(other, worker()); }
  void let_another_wait() { pool().wait(other, worker()); }

  Waiter other;
};

}  // namespace

TEST_CASE("a query is sent to a backend, its answer to the client, and the backend is free again") {
  Sides sides;
  sides.byte_by_byte = GENERATE(false, true);
  sides.add_server();
  sides.run("> Q(select 1)");
  CHECK(sides.server() == "Q(select 1)");
  CHECK(sides.has_backend());
  sides.run("< T(a,23) D(1) C(SELECT 1) Z(I)");
  CHECK(sides.client() == "T D C(SELECT 1) Z(I)");
  CHECK_FALSE(sides.has_backend());
  CHECK(sides.counters().bytes_from_clients.get() == 14);
  CHECK(sides.counters().queries.get() == 1);
}

TEST_CASE("a batch is the same byte by byte") {
  Sides sides;
  sides.byte_by_byte = GENERATE(false, true);
  sides.add_server();
  sides.run("> P(s,select 1) B(s) E S");
  CHECK(sides.server() == "P(#1,select 1) Ds(#1) B(#1) E S");
  sides.run("< 1 t n 2 C(SELECT 1) Z(I)");
  CHECK(sides.client() == "1 2 C(SELECT 1) Z(I)");
  CHECK_FALSE(sides.has_backend());
  sides.run("> B(s) E S");
  CHECK(sides.server() == "B(#1) E S");
}

TEST_CASE("a message waits for a backend, with all that follows it, and goes out when there is one") {
  Sides sides;
  sides.byte_by_byte = GENERATE(false, true);
  sides.run("> Q(select 1) Q(select 2)");
  CHECK(sides.link.held.is_held());
  CHECK(sides.server_side.lease().waits());
  CHECK_FALSE(sides.client_side.may_read());
  CHECK(sides.client().empty());
  sides.add_server();
  sides.turn();
  CHECK(sides.server() == "Q(select 1) Q(select 2)");
  CHECK_FALSE(sides.link.held.is_held());
  sides.run("< C(SELECT 1) Z(I) C(SELECT 1) Z(I)");
  CHECK(sides.client() == "C(SELECT 1) Z(I) C(SELECT 1) Z(I)");
}

TEST_CASE("a query that waits too long is refused like one that the server refuses") {
  Sides sides;
  sides.run("> Q(select 1)");
  sides.client_side.refuse_waiting(Reason::borrow_timeout);
  CHECK(sides.client() == "E(53300) Z(I)");
  CHECK(sides.is_serving());
  CHECK_FALSE(sides.server_side.lease().waits());
  CHECK(sides.pool().counts().waiting == 0);
  CHECK(sides.worker().counters().ended[static_cast<std::size_t>(Reason::borrow_timeout)].get() == 1);

  // The next one waits in its turn.
  sides.run("> Q(select 2)");
  CHECK(sides.server_side.lease().waits());
  sides.add_server();
  sides.turn();
  CHECK(sides.server() == "Q(select 2)");
}

TEST_CASE("of a batch that waits too long the rest is skipped up to its Sync, whenever it comes") {
  Sides sides;
  sides.byte_by_byte = GENERATE(false, true);
  sides.run("> P(s,select 1) B(s)");
  sides.client_side.refuse_waiting(Reason::cancelled);
  CHECK(sides.client() == "E(57014)");
  sides.turn();
  CHECK(sides.client_side.is_refusing());
  // A backend that comes in the meantime is of no use for it.
  sides.add_server();
  sides.run("> E Q(select 1) H");
  CHECK(sides.client().empty());
  sides.run("> S");
  CHECK(sides.client() == "Z(I)");
  CHECK_FALSE(sides.client_side.is_refusing());
  CHECK(sides.server().empty());
  CHECK_FALSE(sides.has_backend());
  sides.run("> Q(select 2)");
  CHECK(sides.server() == "Q(select 2)");
}

TEST_CASE("a client that leaves instead of ending its refused batch is gone") {
  Sides sides;
  sides.run("> P(s,select 1)");
  sides.client_side.refuse_waiting(Reason::borrow_timeout);
  sides.run("> X");
  CHECK(sides.life.reason == Reason::terminated);
  CHECK(sides.life.is_over());
}

TEST_CASE("only the message that waits is refused, not what has been forwarded") {
  Sides sides;
  sides.add_server();
  sides.run("> Q(select 1)");
  sides.client_side.refuse_waiting(Reason::borrow_timeout);
  CHECK(sides.client().empty());
  sides.run("< C(SELECT 1) Z(I)");
  CHECK(sides.client() == "C(SELECT 1) Z(I)");
  sides.run("> Q(select 2)");
  CHECK(sides.server() == "Q(select 1) Q(select 2)");
}

TEST_CASE("a client that does not take its answers is not read any more when too much waits for it") {
  Sides sides;
  sides.add_server();
  sides.link.backlog.append(ByteBuffer(ClientSide::backlog_max));
  CHECK(sides.client_side.may_read());
  sides.link.backlog.append(ByteBuffer(1));
  CHECK_FALSE(sides.client_side.may_read());
  ByteBuffer query;
  write_query(query, "select 1");
  sides.far.send(query);
  sides.look();
  sides.client_side.read();
  CHECK(sides.server().empty());
  sides.link.backlog.clear();
  sides.client_side.read();
  CHECK(sides.server() == "Q(select 1)");
}

TEST_CASE("a client is not read while its backend does not take what it was sent before") {
  Sides sides;
  sides.add_server();
  sides.run("> Q(select 1)");
  REQUIRE(sides.client_side.may_read());
  sides.exchange.backend->backlog.append(ByteBuffer(1));
  CHECK_FALSE(sides.client_side.may_read());
}

TEST_CASE("a pipeline gives its backend up between two batches when its turn is over and others wait") {
  Contended sides;
  sides.run("> B(s) E S");
  sides.let_another_wait();
  sides.pass(ClientSide::pipeline_turn);
  CHECK(sides.server() == "B(#1) E S");
  sides.run("> B(s) E S");
  CHECK(sides.server().empty());
  CHECK(sides.link.held.is_held());

  sides.run("< 2 C(SELECT 1) Z(I)");
  CHECK(sides.client() == "2 C(SELECT 1) Z(I)");
  REQUIRE(sides.other.granted == sides.servers[0].backend.get());
  CHECK(sides.server_side.lease().waits());
  CHECK(sides.server().empty());

  // The other one is done.
  sides.pool().stop_waiting(sides.other, sides.worker());
  sides.turn();
  CHECK(sides.server() == "B(#1) E S");
  sides.run("< 2 C(SELECT 1) Z(I)");
  CHECK(sides.client() == "2 C(SELECT 1) Z(I)");
}

TEST_CASE("a pipeline goes on") {
  Contended sides;
  const std::string first = "B(s) E S";
  std::string next = "B(s) E S";
  std::string sent = "B(#1) E S";
  SECTION("while nobody waits") {
    sides.run("> " + first);
    sides.pass(ClientSide::pipeline_turn);
  }
  SECTION("until its turn is over") {
    sides.run("> " + first);
    sides.let_another_wait();
    sides.pass(ClientSide::pipeline_turn - std::chrono::milliseconds{1});
  }
  SECTION("to the end of its batch") {
    sides.run("> B(s)");
    sides.let_another_wait();
    sides.pass(ClientSide::pipeline_turn);
    next = "E S";
    sent = "E S";
  }
  SECTION("with a backend that it has to keep") {
    sides.run("> " + first);
    sides.exchange.pins.insert(Pin::advisory_lock);
    sides.let_another_wait();
    sides.pass(ClientSide::pipeline_turn);
  }
  SECTION("within a transaction") {
    sides.run("> Q(begin) < C(BEGIN) Z(T) > " + first);
    sides.let_another_wait();
    sides.pass(ClientSide::pipeline_turn);
  }
  sides.server();
  sides.run("> " + next);
  CHECK(sides.server() == sent);
  CHECK_FALSE(sides.link.held.is_held());
}

TEST_CASE("a message that waits for an answer goes when it comes, and the server is told to answer") {
  Sides sides;
  sides.add_server();
  sides.run("> P(,copy t from stdin) B() E");
  sides.server();
  sides.run("> P(,select 1)");
  CHECK(sides.server() == "H");
  CHECK(sides.link.held.is_held());
  sides.run("> B() E S");
  CHECK(sides.server().empty());
  // That was not the one.
  sides.run("< 1");
  CHECK(sides.server() == "H");
  sides.run("< 2 C(COPY 0)");
  CHECK(sides.server() == "H P(,select 1) B() E S");
  CHECK_FALSE(sides.link.held.is_held());
  CHECK_FALSE(sides.link.held.flush_asked);
}

TEST_CASE("what changes nothing for a client needs no backend") {
  Sides sides;
  sides.run("> Q(reset all)");
  CHECK(sides.client() == "C(RESET) Z(I)");
  CHECK_FALSE(sides.server_side.lease().waits());
  CHECK(sides.counters().answered_here.get() == 1);
}

TEST_CASE("a client that goes") {
  Sides sides;
  sides.add_server();
  SECTION("with a Terminate") {
    sides.run("> X");
    CHECK(sides.life.reason == Reason::terminated);
  }
  SECTION("without a word") {
    sides.far.end();
    sides.turn();
    CHECK(sides.life.reason == Reason::client_closed);
  }
  SECTION("between two transactions in session mode") {
    sides.exchange.pins.insert(Pin::session_mode);
    sides.run("> Q(select 1) < C(SELECT 1) Z(I)");
    sides.far.end();
    sides.turn();
    CHECK(sides.life.reason == Reason::client_closed);
    CHECK(sides.has_backend());
  }
  CHECK(sides.life.is_over());
}

TEST_CASE("a client that waits in the queue and goes is noticed, although it is not read") {
  Sides sides;
  sides.run("> Q(select 1)");
  sides.far.end();
  sides.turn();
  CHECK(sides.life.is_over());
  CHECK(sides.life.reason == Reason::client_closed);
}

TEST_CASE("a client that sends its last message and closes at once is noticed while that message waits") {
  Sides sides;
  ByteBuffer last;
  SECTION("for a backend") {
    write_query(last, "insert into t values (1)");
    sides.far.send(last);
    sides.far.end();
    sides.turn();
    CHECK(sides.life.is_over());
    CHECK(sides.life.reason == Reason::client_closed);
    CHECK_FALSE(sides.server_side.lease().is_granted());
  }
  SECTION("for the answer before it") {
    sides.add_server();
    sides.run("> Q(select 1)");
    sides.pass(std::chrono::milliseconds{5});
    last = {'X', 0, 0, 0, 4};
    sides.far.send(last);
    sides.far.end();
    sides.turn();
    CHECK(sides.is_serving());
    CHECK(sides.link.held.is_held());
    CHECK(sides.link.eof_at == sides.worker().now());
    sides.run("< C(SELECT 1) Z(I)");
    CHECK(sides.client() == "C(SELECT 1) Z(I)");
    CHECK(sides.life.reason == Reason::terminated);
    CHECK(sides.life.is_over());
  }
}

TEST_CASE("what a client has sent before it closed its direction is taken to its end") {
  Sides sides;
  sides.add_server();
  sides.run("> P(s,select 1) S < 1 t n Z(I) > Q(select 1)");
  sides.server();
  sides.client();
  ByteBuffer rest;
  write_query(rest, "deallocate s");  // waits for the answer before it
  write_query(rest, "select 2");
  sides.far.send(rest);
  sides.far.end();
  sides.turn();
  CHECK(sides.link.held.is_held());
  CHECK(sides.link.is_leaving());
  CHECK_FALSE(sides.link.eof);
  sides.run("< C(SELECT 1) Z(I) < C(DEALLOCATE) Z(I)");
  CHECK(sides.link.carry.empty());
  CHECK(sides.link.eof);
  sides.run("< C(SELECT 1) Z(I)");
  CHECK(sides.client() == "C(SELECT 1) Z(I) C(DEALLOCATE) Z(I) C(SELECT 1) Z(I)");
  CHECK(sides.life.reason == Reason::client_closed);
  CHECK(sides.life.is_over());
}

TEST_CASE("a client that closes its direction gets its answer first") {
  Sides sides;
  sides.add_server();
  sides.run("> Q(select 1)");
  sides.far.end();
  sides.pass(std::chrono::milliseconds{5});
  sides.turn();
  CHECK(sides.is_serving());
  CHECK(sides.link.eof);
  CHECK(sides.link.eof_at == sides.worker().now());
  CHECK_FALSE(sides.client_side.may_read());
  sides.run("< C(SELECT 1) Z(I)");
  CHECK(sides.client() == "C(SELECT 1) Z(I)");
  CHECK(sides.life.reason == Reason::client_closed);
  CHECK(sides.life.is_over());
}

TEST_CASE("bytes that are not messages end the session, after what came before them") {
  Sides sides;
  sides.add_server();
  ByteBuffer bytes;
  write_query(bytes, "select 1");
  Reason expected = Reason::protocol_violation;
  SECTION("a type that no client sends") {
    bytes.insert(bytes.end(), {'Z', 0, 0, 0, 5, 'I'});
  }
  SECTION("an impossible length") {
    bytes.insert(bytes.end(), {'Q', 0, 0, 0, 3});
  }
  SECTION("a Parse beyond the limit") {
    bytes.insert(bytes.end(), {'P', 0x10, 0, 0, 0});
    expected = Reason::too_large;
  }
  sides.far.send(bytes);
  sides.turn();
  CHECK(sides.life.is_over());
  CHECK(sides.life.reason == expected);
  CHECK_FALSE(sides.life.message().empty());
  CHECK(sides.server() == "Q(select 1)");
}

TEST_CASE("what COPY IN does not allow ends the session after an error") {
  Sides sides;
  sides.add_server();
  sides.run("> Q(copy t from stdin) < G > d Q(select 1)");
  CHECK(sides.server() == "Q(copy t from stdin) d");
  CHECK(sides.life.reason == Reason::protocol_violation);
  sides.server_side.flush();
  CHECK(sides.client() == "G E(08P01)");
}

TEST_CASE("a message that comes in pieces is sent on in pieces, and the backend is kept until its end") {
  Sides sides;
  sides.add_server();
  ByteBuffer query;
  write_query(query, "select '" + std::string(query_whole_body_max + 40'000, 'x') + "'");
  const std::size_t first = query_whole_body_max + 20'000;
  CHECK(sides.send(ByteView(query).first(first)).empty());
  CHECK(sides.has_backend());
  CHECK(sides.servers[0].unread.size() == first);
  CHECK(sides.send(ByteView(query).subspan(first)).substr(0, 10) == "Q(select '");
  // A text of which only the beginning was looked at may have done anything.
  sides.run("< C(SELECT 1) Z(I)");
  CHECK(sides.server().find("pg_settings") != std::string::npos);
  sides.run("< T(a,25) C(SELECT 0) Z(I) C(RESET) Z(I)");
  CHECK_FALSE(sides.has_backend());
}

TEST_CASE("a text that comes in pieces is read whole") {
  Sides sides;
  sides.add_server();
  ByteBuffer query;
  write_query(query, "set app.claims = '" + std::string(100'000, 'x') + "'");
  CHECK(sides.send(ByteView(query).first(60'000)).empty());
  CHECK_FALSE(sides.has_backend());
  sides.send(ByteView(query).subspan(60'000));
  sides.run("< C(SET) Z(I)");
  CHECK_FALSE(sides.has_backend());
  CHECK(sides.exchange.client.desired->at("app.claims").size() == 100'000);
}

TEST_CASE("a message that is refused is skipped to its end, when it comes in pieces") {
  Sides sides;
  ByteBuffer query;
  write_query(query, "select '" + std::string(query_whole_body_max + 40'000, 'x') + "'");
  const std::size_t first = query_whole_body_max + 20'000;
  CHECK(sides.send(ByteView(query).first(first)).empty());
  sides.client_side.refuse_waiting(Reason::borrow_timeout);
  CHECK(sides.client() == "E(53300) Z(I)");
  sides.add_server();
  sides.send(ByteView(query).subspan(first));
  sides.run("> Q(select 2)");
  CHECK(sides.server() == "Q(select 2)");
  CHECK(sides.client().empty());
}
