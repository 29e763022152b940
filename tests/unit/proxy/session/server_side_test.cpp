#include "proxy/session/server_side.hpp"

#include <catch2/catch.hpp>

#include "../session_stage.hpp"
#include "proxy/session/farewell.hpp"

using namespace pgweir;
using namespace std::chrono_literals;
using test::Sides;

namespace {

ByteBuffer last_words() {
  ByteBuffer out;
  ErrorFields fields;
  fields.severity = "FATAL";
  fields.code = "57P01";
  fields.message = "terminating connection";
  write_error_response(out, fields);
  return out;
}

void append(ByteBuffer& all, const ByteBuffer& more) {
  all.insert(all.end(), more.begin(), more.end());
}

// A row that is handed on before all of it is there.
ByteBuffer long_row() {
  const std::string value(100'000, 'x');
  ByteBuffer out;
  Writer(out).begin_message('D').u16(1).u32(100'000).raw(as_bytes(value)).end_message();
  return out;
}

struct Served : Sides {
  using Sides::Sides;

  void want(SettingMap settings) {
    exchange.client.desired = worker().interner().intern(std::move(settings));
  }
  void hear(ByteView bytes) {
    servers.back().end.send(bytes);
    turn();
  }
  void lose(std::size_t server = 0) {
    servers[server].end.close();
    turn();
  }
  static ByteBuffer bytes_of(const std::string& word) { return reply(word); }
  std::uint64_t cancels() { return worker().counters().cancels_forwarded.get(); }
  // The request has reached the server, which has dealt with it.
  void cancel_arrives() {
    REQUIRE_FALSE(exchange.backend->cancels.end(true));
    turn();
  }
};

// A client that listens to "jobs" through a hub that answers when the test says so.
struct Listener : Served {
  Listener() {
    exchange.listen = std::make_unique<ListenState>([this](ListenChange) { ++asked; }, std::string());
    CHECK(exchange.listen->take_plain({ListenVerb::listen, "jobs"}) == ListenState::Plain::wait);
    server_side.hub_side().answered(ListenOutcome::done);
    CHECK(exchange.listen->take_plain({ListenVerb::listen, "jobs"}) == ListenState::Plain::done);
    asked = 0;
  }
  // What the hub has been asked is done, as far as the session waits for it.
  void hub_answers() {
    server_side.hub_side().answered(ListenOutcome::done);
    REQUIRE(exchange.listen->take_resume());
    server_side.walk_kept_replies();
  }
  void notify() {
    ByteBuffer bytes;
    Writer(bytes).begin_message('A').u32(1).cstring("jobs").cstring("").end_message();
    server_side.hub_side().take(std::make_shared<const ByteBuffer>(std::move(bytes)));
    server_side.tell_notifications();
  }

  int asked = 0;
};

// The client is gone, and has left a backend behind.
class Left : public Served {
 public:
  void leave() {
    server();
    link.gone = true;
    life.end(Reason::client_closed);
    tasks_.start(wind_down());
    settle();
  }
  // The server answers; returns what it is sent then.
  std::string after(const std::string& replies) {
    run("< " + replies);
    settle();
    return server();
  }
  void settle() {
    for (int i = 0; i < 5; ++i) look();
  }

  bool is_done = false;

 private:
  Task<> wind_down() {
    co_await server_side.leave();
    is_done = true;
  }
  TaskList tasks_{[](std::exception_ptr error) { std::rethrow_exception(error); }};
};

}  // namespace

TEST_CASE("a backend is free after the last answer, outside of a transaction") {
  Served session;
  session.byte_by_byte = GENERATE(false, true);
  session.add_server();
  session.run("> Q(begin) < C(BEGIN) Z(T)");
  CHECK(session.has_backend());
  session.run("> Q(select 1) Q(commit) < C(SELECT 1) Z(T)");
  CHECK(session.has_backend());
  session.pass(3ms);
  session.run("< C(COMMIT) Z(I)");
  CHECK_FALSE(session.has_backend());
  CHECK(session.pool().counts().idle == 1);
  CHECK(session.counters().queries.get() == 3);
  CHECK(session.counters().transactions.get() == 1);
  CHECK(session.counters().transaction.sum_us() == 3000);
  CHECK(session.server_side.last_activity() == session.worker().now());
}

TEST_CASE("a backend is kept") {
  Served session;
  session.add_server();
  SECTION("up to the Sync of a batch") {
    session.run("> P(,select 1) B() E H < 1 2 C(SELECT 1)");
    REQUIRE(session.has_backend());
    session.run("> S < Z(I)");
  }
  SECTION("by what the client has of it") {
    session.exchange.pins.insert(Pin::sql_prepare);
    session.run("> Q(select 1) < C(SELECT 1) Z(I)");
    REQUIRE(session.has_backend());
    session.exchange.pins = {};
    session.turn();
  }
  SECTION("to the end of a row of the client's, although its COPY has failed") {
    session.run("> Q(copy t from stdin) < G");
    ByteBuffer row;
    Writer(row).begin_message('d').raw(ByteBuffer(100'000)).end_message();
    session.far.send(ByteView(row).first(50'000));
    session.run("< E(22P02,invalid) Z(I)");
    REQUIRE(session.has_backend());
    session.far.send(ByteView(row).subspan(50'000));
    session.turn();
    CHECK(session.server() == "Q(copy t from stdin) d");
  }
  SECTION("while the server has not taken all that it was sent") {
    session.run("> Q(select 1)");
    session.exchange.backend->backlog.append(ByteBuffer(1));
    session.exchange.tracker = ResponseTracker();  // as if it had answered all
    session.server_side.give_back_if_free();
    REQUIRE(session.has_backend());
    session.exchange.backend->backlog.clear();
    session.turn();
  }
  SECTION("while a cancel is on its way to it") {
    session.run("> Q(select 1)");
    CHECK(session.server_side.cancel(std::make_shared<int>()));
    session.run("< C(SELECT 1) Z(I)");
    REQUIRE(session.has_backend());
    session.cancel_arrives();
  }
  CHECK_FALSE(session.has_backend());
  CHECK(session.pool().counts().idle == 1);
}

TEST_CASE("a session that drains ends where its backend is free, or is kept for nothing but its mode") {
  Served session;
  session.add_server();
  if (GENERATE(false, true)) session.exchange.pins.insert(Pin::session_mode);
  session.life.drains = true;
  session.run("> Q(begin) < C(BEGIN) Z(T)");
  CHECK(session.is_serving());
  session.run("> Q(commit) < C(COMMIT) Z(I)");
  CHECK(session.life.is_over());
  CHECK(session.life.reason == Reason::draining);
}

TEST_CASE("a session that drains ends when its client has all answers, and has them whole") {
  Served session;
  session.life.drains = true;
  session.link.backlog.append(ByteBuffer(1));
  session.server_side.end_if_drained();
  CHECK(session.is_serving());
  session.link.backlog.clear();
  write_ready_for_query(session.worker().to_client().own(), 'I');
  session.worker().to_client().end_own();
  session.server_side.end_if_drained();
  CHECK(session.is_serving());
  session.worker().to_client().clear();
  // A statement that waits, for the end of a cancel, say.
  session.link.carry.assign(1, 'Q');
  session.server_side.end_if_drained();
  CHECK(session.is_serving());
  session.link.carry.clear();
  session.server_side.end_if_drained();
  CHECK(session.life.reason == Reason::draining);
}

TEST_CASE("a session that drains goes on while its backend has something of its client's") {
  Served session;
  session.add_server();
  session.life.drains = true;
  session.exchange.pins.insert(Pin::advisory_lock);
  session.run("> Q(select 1) < C(SELECT 1) Z(I)");
  CHECK(session.is_serving());
}

TEST_CASE("after a query within a batch the backend proves itself before others get it") {
  Served session;
  session.add_server();
  session.run("> Q(select 1)");
  session.exchange.mixed_protocols = true;
  session.server();
  session.run("< C(SELECT 1) Z(I)");
  CHECK(session.server() == "Q()");
  CHECK(session.has_backend());
  session.run("< I Z(I)");
  CHECK_FALSE(session.has_backend());
  CHECK(session.client() == "C(SELECT 1) Z(I)");
}

TEST_CASE("a backend that came back with other defaults is replaced, with all others of its server") {
  Served session;
  session.add_server();
  session.run("> Q(alter role app set work_mem = '1MB') < C(ALTER ROLE) Z(I)");
  CHECK(session.has_backend());
  session.run("< T(a,25) C(SELECT 0) Z(I)");  // there is no event trigger
  CHECK_FALSE(session.has_backend());
  CHECK(session.closed(BackendClose::outdated) == 1);
}

TEST_CASE("an audit asks the server what is left, and the client's next message waits for the answer") {
  Served session;
  session.add_server();
  session.server_side.lease().audit_every(1);
  session.run("> Q(select 1)");
  session.server();
  session.run("< C(SELECT 1) Z(I)");
  CHECK(session.server().find("pg_settings") != std::string::npos);
  CHECK(session.client() == "C(SELECT 1) Z(I)");
  session.run("> Q(select 2)");
  CHECK(session.server().empty());
  SECTION("nothing") {
    session.run("< T(a,25) C(SELECT 0) Z(I)");
    CHECK(session.server() == "Q(select 2)");
    CHECK(session.counters().audits.get() == 1);
    CHECK(session.counters().audit_findings.get() == 0);
  }
  SECTION("what should not be there") {
    session.run("< T(a,25) D(,advisory_lock) C(SELECT 1) Z(I)");
    CHECK(session.counters().audit_findings.get() == 1);
    CHECK(session.closed(BackendClose::audit_finding) == 1);
    CHECK(session.server_side.lease().waits());
  }
  CHECK(session.client().empty());
}

TEST_CASE("a state that cannot be asked for ends the session") {
  Served session;
  session.add_server();
  session.server_side.lease().audit_every(1);
  session.run("> Q(select 1) < C(SELECT 1) Z(I)");
  session.run("< E(XX000,broken) Z(I)");
  CHECK(session.life.reason == Reason::internal_error);
  CHECK(session.life.message() == "the session's state could not be read");
}

TEST_CASE("settings that a backend refuses are tried on others before the client is told") {
  Served session(3);
  for (int i = 0; i < 3; ++i) session.add_server();
  session.want({{"temp_buffers", "8MB"}});
  session.run("> Q(select 1)");
  for (int i = 0; i < 2; ++i) {
    session.run("< E(22023,cannot be changed) Z(I)");
    CHECK(session.is_serving());
    CHECK(session.closed(BackendClose::settings_refused) == static_cast<std::uint64_t>(i + 1));
  }
  CHECK(session.server().find("select 1") == std::string::npos);
  session.run("< E(22023,cannot be changed) Z(I)");
  CHECK(session.life.reason == Reason::bad_settings);
  CHECK(session.life.message() == "cannot be changed");
  CHECK(session.life.sqlstate() == "22023");
  CHECK(session.server().empty());
}

TEST_CASE("a batch whose plan DDL has made stale is sent again, and the client sees one answer") {
  Served session;
  session.byte_by_byte = GENERATE(false, true);
  session.add_server();
  session.run("> P(s,select * from t) S < 1 t n Z(I)");
  session.server();
  session.client();
  session.run("> B(s) E S");
  CHECK(session.server() == "B(#1) E S");
  session.run("< E(0A000,cached plan must not change result type,RevalidateCachedQuery) Z(I)");
  CHECK(session.client().empty());
  CHECK(session.server() == "P(#2,select * from t) Ds(#2) B(#2) E S");
  session.run("< 1 t n 2 C(SELECT 0) Z(I)");
  CHECK(session.client() == "2 C(SELECT 0) Z(I)");
  CHECK_FALSE(session.has_backend());
  CHECK(session.exchange.batch.again == 0);
}

// --- Notifications

TEST_CASE(
    "notifications come at once to a client that waits for nothing, and right before its next "
    "ReadyForQuery") {
  Listener session;
  session.add_server();
  session.notify();
  CHECK(session.client() == "A");
  session.run("> Q(select 1)");
  session.notify();
  CHECK(session.client().empty());
  session.run("< C(SELECT 1) Z(I)");
  session.hub_answers();
  CHECK(session.client() == "C(SELECT 1) A Z(I)");
}

TEST_CASE("notifications wait for a client that does not read, and for the end of a message to it") {
  Listener session;
  session.add_server();
  SECTION("it does not read") {
    session.link.backlog.append(ByteBuffer{'N', 0, 0, 0, 4});
    session.notify();
    CHECK(session.client().empty());
    session.link.backlog.flush(session.link.transport);
    session.server_side.tell_notifications();
    CHECK(session.client() == "E? A");
  }
  SECTION("a notice has begun") {
    session.exchange.pins.insert(Pin::session_mode);
    session.run("> Q(select 1) < C(SELECT 1) Z(I)");
    session.client();
    const ByteBuffer row = long_row();
    ByteView input = ByteView(row).first(50'000);
    Piece piece;
    REQUIRE(session.exchange.backend->framer.next(input, piece) == FrameStatus::piece);
    session.notify();
    CHECK(session.client().empty());
    CHECK(session.unfinished() == 0);
  }
}

TEST_CASE("a ReadyForQuery that has to wait for the hub is kept, and nothing is read behind it") {
  Listener session;
  session.byte_by_byte = GENERATE(false, true);
  session.add_server();
  session.exchange.listen->begin();
  session.run("> Q(select 1) < C(SELECT 1) Z(I)");
  CHECK(session.asked == 1);
  CHECK(session.client() == "C(SELECT 1)");
  REQUIRE(session.has_backend());
  session.servers[0].end.send(ByteBuffer{'N', 0, 0, 0, 5, 0});
  session.look();
  CHECK_FALSE(session.server_side.has_replies());
  session.exchange.pins.insert(Pin::session_mode);
  session.hub_answers();
  CHECK(session.client() == "Z(I)");
  CHECK(session.server_side.has_replies());
  session.turn();
  CHECK(session.client() == "N()");
  session.exchange.pins = {};
  session.turn();
  CHECK_FALSE(session.has_backend());
}

// --- Cancels

TEST_CASE("a cancel for a statement that runs is passed on at once, with what has to live until then") {
  Served session;
  session.add_server();
  session.run("> Q(select pg_sleep(9))");
  auto done = std::make_shared<int>();
  const std::weak_ptr<int> watched = done;
  CHECK(session.server_side.cancel(std::move(done)));
  CHECK(session.cancels() == 1);
  CHECK(session.exchange.backend->cancels.in_flight());
  CHECK_FALSE(watched.expired());
}

TEST_CASE("a cancel waits while a query of pgweir's runs, and is passed on when the statement has begun") {
  Served session;
  session.byte_by_byte = GENERATE(false, true);
  session.add_server();
  session.want({{"work_mem", "8MB"}});
  session.run("> Q(select pg_sleep(9))");
  auto done = std::make_shared<int>();
  const std::weak_ptr<int> watched = done;
  CHECK(session.server_side.cancel(std::move(done)));
  CHECK(session.cancels() == 0);
  session.run("< C(SELECT 1)");
  CHECK(session.cancels() == 0);
  CHECK_FALSE(watched.expired());
  session.run("< Z(I)");
  CHECK(session.cancels() == 1);
  CHECK_FALSE(watched.expired());
  session.run("< E(57014,canceling) Z(I)");
  CHECK(session.client() == "E(57014) Z(I)");
}

TEST_CASE("a cancel that comes too early or too late hits nothing") {
  Served session;
  session.server_side.lease().audit_every(1);
  auto done = std::make_shared<int>();
  const std::weak_ptr<int> watched = done;
  bool is_dealt_with = true;
  SECTION("before the first statement") {}
  SECTION("while the statement waits for a backend, which is for the session to refuse") {
    session.run("> Q(select 1)");
    is_dealt_with = false;
  }
  SECTION("when a backend has just been granted") {
    session.run("> Q(select 1)");
    session.add_server();
    is_dealt_with = false;
  }
  SECTION("when the client has its answer, and only pgweir asks") {
    session.add_server();
    session.run("> Q(select 1) < C(SELECT 1) Z(I)");
    REQUIRE_FALSE(session.exchange.own.empty());
  }
  CHECK(session.server_side.cancel(std::move(done)) == is_dealt_with);
  CHECK(watched.expired());
  CHECK(session.cancels() == 0);
}

TEST_CASE("a query past its time is cancelled once, and its server given up when that is of no use") {
  Served session;
  session.add_server();
  session.run("> Q(select pg_sleep(9))");
  CHECK(session.server_side.query_started() == session.worker().now());
  const TimePoint began = session.worker().now();
  CHECK_FALSE(session.server_side.cancel_overdue(began + 1s, 1s).has_value());
  CHECK(session.cancels() == 1);
  CHECK_FALSE(session.exchange.backend->cancels.end(true));
  const TimePoint last = began + 1s + WindDown::abandon_timeout;
  CHECK_FALSE(session.server_side.cancel_overdue(last - 1ms, 1s).has_value());
  CHECK(session.cancels() == 1);
  CHECK(session.server_side.cancel_overdue(last, 1s) == Reason::query_timeout);

  SECTION("the next one has its own time") {
    session.pass(2s);
    session.run("< E(57014,canceling) Z(I) > Q(select pg_sleep(9))");
    CHECK(session.server_side.query_started() == began + 2s);
    CHECK_FALSE(session.server_side.cancel_overdue(last, 1s).has_value());
    CHECK(session.cancels() == 2);
  }
}

TEST_CASE("of a pipeline each query has its own time, from the answer before it") {
  Served session;
  session.add_server();
  session.run("> Q(select 1) Q(select 2)");
  session.pass(5ms);
  session.run("< C(SELECT 1) Z(I)");
  CHECK(session.server_side.query_started() == session.worker().now());
}

// --- Losses

TEST_CASE("a server that is lost while it owes an answer ends the session, and the outcome is not known") {
  Served session;
  session.add_server();
  const std::string sent = GENERATE("Q(commit)", "P(,select 1) B() E S", "P(,select 1) B()");
  session.run("> " + sent);
  session.lose();
  CHECK(session.life.reason == Reason::server_lost);
  CHECK(session.life.message().find("may or may not have taken effect") != std::string::npos);
  CHECK(session.closed(BackendClose::lost) == 1);
  CHECK_FALSE(session.has_backend());
  CHECK(session.client().empty());
}

TEST_CASE("a server that is lost between two statements takes with it what the client had there") {
  Served session;
  session.add_server();
  const bool has_transaction = GENERATE(false, true);
  if (!has_transaction) session.exchange.pins.insert(Pin::advisory_lock);
  session.run(has_transaction ? "> Q(begin) < C(BEGIN) Z(T)" : "> Q(select 1) < C(SELECT 1) Z(I)");
  REQUIRE(session.has_backend());
  session.client();
  SECTION("without a word") {
    session.lose();
    CHECK(session.life.reason == Reason::server_lost);
    CHECK(session.life.message().empty());
    CHECK(session.client().empty());
  }
  SECTION("with its own words for that") {
    session.hear(last_words());
    CHECK(session.life.reason == Reason::server_error);
    CHECK(session.client() == "E(57P01)");
  }
  CHECK_FALSE(session.has_backend());
}

TEST_CASE("a server that ends while a client waits has the last word") {
  Served session;
  session.byte_by_byte = GENERATE(false, true);
  session.add_server();
  session.run("> Q(select 1)");
  session.hear(last_words());
  CHECK(session.client() == "E(57P01)");
  CHECK(session.life.reason == Reason::server_error);
  CHECK(session.closed(BackendClose::lost) == 1);
}

TEST_CASE("a server that is lost before it got anything of the client's is replaced") {
  Served session(2);
  session.add_server();
  session.add_server();
  session.want({{"temp_buffers", "8MB"}});
  session.run("> Q(select 1)");
  const std::string prelude = session.server();
  REQUIRE(prelude.find("temp_buffers") != std::string::npos);
  const std::size_t first = session.exchange.backend == session.servers[0].backend.get() ? 0 : 1;
  session.lose(first);
  CHECK(session.is_serving());
  CHECK(session.exchange.backend == session.servers[1 - first].backend.get());
  CHECK(session.server() == prelude);
  session.run("< C(SELECT 1) Z(I)");
  CHECK(session.server() == "Q(select 1)");
  session.run("< C(SELECT 1) Z(I)");
  CHECK(session.client() == "C(SELECT 1) Z(I)");
}

TEST_CASE("a server that is lost while only pgweir asks what a view does is not missed") {
  Served session(2);
  session.add_server();
  session.pool().code().definitions().forget();
  session.run("> Q(select * from t) < C(SELECT 1) Z(I)");
  REQUIRE(session.has_backend());
  CHECK(session.client() == "C(SELECT 1) Z(I)");
  if (GENERATE(false, true)) session.hear(last_words());
  session.lose();
  CHECK(session.is_serving());
  CHECK_FALSE(session.has_backend());
  CHECK(session.client().empty());
  CHECK(session.exchange.own.empty());
  session.add_server();
  session.server();
  session.run("> Q(select 2)");
  CHECK(session.server() == "Q(select 2)");
}

TEST_CASE("a server that ends right behind its answer about a client's state takes that state with it") {
  Served session(2);
  session.add_server();
  session.run("> Q(select pg_advisory_lock(1)) < C(SELECT 1) Z(I)");
  REQUIRE_FALSE(session.exchange.own.empty());
  session.client();
  const bool has_lock = GENERATE(false, true);
  ByteBuffer all;
  for (const char* const word : {"T(a,25)", "D(,advisory_lock)", "C(SELECT 1)", "Z(I)"}) {
    if (word[0] != 'D' || has_lock) append(all, session.bytes_of(word));
  }
  append(all, last_words());
  session.hear(all);
  CHECK_FALSE(session.has_backend());
  CHECK(session.is_serving() != has_lock);
  if (has_lock) CHECK(session.life.reason == Reason::server_lost);
}

TEST_CASE("the reason of a loss is not written into a row that has begun") {
  Served session;
  session.add_server();
  session.run("> Q(select x) < T(x,25)");
  CHECK(session.client() == "T");
  const ByteBuffer row = long_row();
  session.hear(ByteView(row).first(50'000));
  CHECK(session.client().empty());
  REQUIRE(session.unfinished() == 50'000);
  session.lose();
  CHECK(session.life.reason == Reason::server_lost);
  TaskList tasks{[](std::exception_ptr error) { std::rethrow_exception(error); }};
  tasks.start(say_goodbye(session.parts, !session.replies.is_inside_message(), nullptr));
  CHECK(session.client().empty());
  CHECK(session.unfinished() == 50'000);
  CHECK(session.far.has_ended());
}

TEST_CASE("a server that does not keep to the protocol is given up") {
  Served session;
  session.add_server();
  session.run("> Q(begin) < C(BEGIN) Z(T)");
  session.client();
  SECTION("an answer to nothing") {
    session.run("< C(SELECT 1)");
  }
  SECTION("bytes that are no message") {
    session.hear(ByteBuffer{'Z', 0, 0, 0, 1});
  }
  CHECK(session.closed(BackendClose::protocol_violation) == 1);
  CHECK(session.life.reason == Reason::server_lost);
  CHECK(session.client().empty());
}

TEST_CASE("a server is not read while its client does not take what came before, unless that one is gone") {
  Served session;
  session.add_server();
  session.run("> Q(select 1)");
  session.link.backlog.append(ByteBuffer(1));
  session.servers[0].end.send(ByteBuffer{'C'});
  session.look();
  CHECK_FALSE(session.server_side.has_replies());
  session.link.gone = true;
  CHECK(session.server_side.has_replies());
  session.link.gone = false;
  session.link.backlog.clear();
  CHECK(session.server_side.has_replies());
}

// --- What a client leaves behind

TEST_CASE("a client that has no backend leaves nothing behind") {
  Left session;
  session.add_server();
  session.run("> Q(select 1) < C(SELECT 1) Z(I)");
  session.leave();
  CHECK(session.is_done);
  CHECK(session.server().empty());
  CHECK(session.pool().counts().idle == 1);
}

TEST_CASE("the transaction of a client that is gone is rolled back before others get its backend") {
  Left session;
  session.byte_by_byte = GENERATE(false, true);
  session.add_server();
  session.run("> Q(begin) < C(BEGIN) Z(T)");
  session.leave();
  CHECK(session.server() == "Q(ROLLBACK)");
  CHECK(session.after("C(ROLLBACK) Z(I)").substr(0, 11) == "Q(CLOSE ALL");
  CHECK_FALSE(session.is_done);
  CHECK(session.after("C(DISCARD) Z(I)").empty());
  CHECK(session.is_done);
  CHECK(session.pool().counts().idle == 1);
  CHECK(session.counters().abandoned.get() == 1);
}

TEST_CASE("a backend at rest goes back with what the client had of it taken back") {
  Left session;
  session.add_server();
  session.exchange.pins.insert(Pin::session_mode);
  session.run("> Q(select 1) < C(SELECT 1) Z(I)");
  session.leave();
  CHECK(session.server().substr(0, 11) == "Q(CLOSE ALL");
  session.after("C(DISCARD) Z(I)");
  CHECK(session.is_done);
  CHECK(session.pool().counts().idle == 1);
  CHECK(session.counters().abandoned.get() == 0);
}

TEST_CASE("a backend that does not become clean is closed") {
  Left session;
  session.add_server();
  BackendClose expected = BackendClose::not_clean;
  SECTION("its client was in the middle of a message") {
    ByteBuffer query;
    write_query(query, std::string(query_whole_body_max + 40'000, 'x'));
    session.send(ByteView(query).first(query_whole_body_max + 20'000));
    session.servers[0].unread.clear();
    session.leave();
    CHECK(session.cancels() == 1);
    CHECK(session.server().empty());
  }
  SECTION("what its client had cannot be taken back") {
    session.run("> Q(begin) < C(BEGIN) Z(T)");
    session.leave();
    session.after("C(ROLLBACK) Z(I)");
    session.after("E(XX000,no) Z(I)");
  }
  SECTION("its server is lost") {
    session.run("> Q(begin) < C(BEGIN) Z(T)");
    session.leave();
    session.servers[0].end.close();
    session.settle();
    expected = BackendClose::lost;
  }
  CHECK(session.is_done);
  CHECK(session.closed(expected) == 1);
  CHECK(session.pool().counts().idle == 0);
  CHECK(session.pool().counts().leaving == 1);
}

TEST_CASE("a server that reports parameters without end is given up") {
  Served session;
  session.add_server();
  session.run("> Q(begin) < C(BEGIN) Z(T)");
  session.client();
  ByteBuffer reported;
  SECTION("to a client") {
    for (int i = 0; i < 300; ++i) write_parameter_status(reported, "p" + std::to_string(i), "v");
    session.hear(reported);
    CHECK_FALSE(session.is_serving());
  }
  SECTION("while it is idle") {
    session.run("> Q(commit) < C(COMMIT) Z(I)");
    REQUIRE_FALSE(session.has_backend());
    for (int i = 0; i < 300; ++i) write_parameter_status(reported, "p" + std::to_string(i), "v");
    session.servers.front().end.send(reported);
    session.look();
    session.pool().maintain(session.worker());
    CHECK(session.is_serving());
  }
  CHECK(session.closed(BackendClose::protocol_violation) == 1);
}

TEST_CASE("a server may report a parameter that it has reported as often as it likes") {
  Served session;
  session.add_server();
  session.run("> Q(begin) < C(BEGIN) Z(T)");
  ByteBuffer reported;
  for (int i = 0; i < 300; ++i) write_parameter_status(reported, "TimeZone", std::to_string(i));
  session.hear(reported);
  CHECK(session.is_serving());
  CHECK(session.closed(BackendClose::protocol_violation) == 0);
}
