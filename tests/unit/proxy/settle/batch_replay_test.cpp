#include "proxy/settle/batch_replay.hpp"

#include <catch2/catch.hpp>

#include "../relay_script.hpp"

using namespace pgweir;
using test::RelayScript;

namespace {

ByteBuffer messages_of_a_batch() {
  ByteBuffer out;
  write_bind(out, {}, "s");
  write_execute(out, {});
  write_sync(out);
  return out;
}

// A client whose statement is on the backend, and which runs it: what it sends is kept.
struct Kept : RelayScript {
  Kept() {
    run("> P(s,select * from t) S < 1 t n Z(I)");
    server();
    client();
  }
  void send(const ByteBuffer& batch) {
    Framer framer(frontend_rule);
    ByteView input = batch;
    bool begins = true;
    for (Piece piece; framer.next(input, piece) == FrameStatus::piece; begins = false) {
      if (begins) BatchReplay(exchange).begin(piece);
      REQUIRE(requests.take(piece) == RequestDisposition::taken);
      BatchReplay(exchange).keep(piece);
    }
  }
};

}  // namespace

TEST_CASE("a batch is kept whole until it is answered, and sent again from its beginning") {
  Kept relay;
  const ByteBuffer batch = messages_of_a_batch();
  relay.send(batch);
  CHECK(relay.exchange.batch.state == Batch::State::closed);
  relay.run("< E(0A000,cached plan must not change result type,RevalidateCachedQuery) Z(I)");
  CHECK(relay.client().empty());
  REQUIRE(relay.replies.events().take(ReplyEvent::batch_failed));
  const StatementRef before = relay.exchange.statements.find("s");
  const ByteView again = BatchReplay(relay.exchange).send_again();
  CHECK(ByteBuffer(again.begin(), again.end()) == batch);
  CHECK(relay.exchange.statements.find("s") != before);
  CHECK(relay.exchange.batch.again == 1);
}

TEST_CASE("what follows a batch ends its being kept") {
  Kept relay;
  const ByteBuffer batch = messages_of_a_batch();
  relay.send(batch);
  Framer framer(frontend_rule);
  ByteBuffer more;
  write_sync(more);
  ByteView input = more;
  Piece piece;
  REQUIRE(framer.next(input, piece) == FrameStatus::piece);
  REQUIRE(relay.requests.take(piece) == RequestDisposition::taken);
  BatchReplay(relay.exchange).keep(piece);
  CHECK(relay.exchange.batch.state == Batch::State::none);
}

TEST_CASE("a refused batch whose Sync has not come gets one of ours") {
  Kept relay;
  relay.server();
  relay.exchange.batch.needs_sync = true;
  BatchReplay(relay.exchange).end_refused();
  CHECK(relay.server() == "S");
  CHECK_FALSE(relay.exchange.batch.needs_sync);
  relay.run("< Z(I)");
  CHECK(relay.client().empty());
}

TEST_CASE("a batch that is sent again finds its client's names as they were, and is acknowledged once") {
  Kept relay;
  relay.run("> P(u,select 1) S < 1 t n Z(I)");
  relay.server();
  relay.client();
  const StatementRef before = relay.exchange.statements.find("u");
  ByteBuffer batch;
  write_close_statement(batch, "u");  // answered at once
  write_parse(batch, "new", "select 2", no_parameter_types);
  write_bind(batch, {}, "s");
  write_sync(batch);
  relay.send(batch);
  CHECK(relay.client() == "3");
  relay.run("< 1 t n E(0A000,cached plan must not change result type,RevalidateCachedQuery) Z(I)");
  CHECK(relay.client() == "1");
  CHECK(relay.exchange.statements.find("u") == nullptr);
  const ByteView again = BatchReplay(relay.exchange).send_again();
  CHECK(ByteBuffer(again.begin(), again.end()) == batch);
  CHECK(relay.exchange.statements.find("u") == before);
  CHECK(relay.exchange.statements.find("new") == nullptr);
  relay.server();
  relay.send(batch);
  CHECK(relay.client().empty());
  relay.run("< 1 t n 2 Z(I)");
  CHECK(relay.client() == "2 Z(I)");
}
