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
      REQUIRE(requests.take(piece) == RequestDisposition::taken);
      BatchReplay(exchange).keep(piece, begins);
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
  BatchReplay(relay.exchange).keep(piece, false);
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
