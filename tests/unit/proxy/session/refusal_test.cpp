#include "proxy/session/refusal.hpp"

#include <catch2/catch.hpp>

#include "protocol/framer.hpp"
#include "protocol/frontend.hpp"
#include "proxy/backend/backend_login.hpp"
#include "proxy/entry/life.hpp"

using namespace pgweir;

namespace {

// The letters of what the client is told for these messages, '-' where it is told nothing.
std::string told(Refusal& refusal, const ByteBuffer& messages) {
  Framer framer(frontend_rule);
  ByteView input = messages;
  std::string letters;
  for (Piece piece; framer.next(input, piece) == FrameStatus::piece;) {
    ByteBuffer out;
    refusal.refuse(piece, out);
    Framer replies(backend_rule);
    ByteView rest = out;
    if (out.empty()) letters += '-';
    for (Piece reply; replies.next(rest, reply) == FrameStatus::piece;) letters += reply.type;
  }
  return letters;
}

}  // namespace

TEST_CASE("a Query is refused as a whole") {
  Refusal refusal;
  refusal.begin(Reason::borrow_timeout);
  ByteBuffer query;
  write_query(query, "select 1");
  CHECK(told(refusal, query) == "EZ");
  CHECK_FALSE(refusal.skips());
  CHECK_FALSE(refusal.reason().has_value());
}

TEST_CASE("of a batch the first message is refused, and the rest skipped up to its Sync") {
  Refusal refusal;
  refusal.begin(Reason::borrow_timeout);
  ByteBuffer batch;
  write_bind(batch, {}, "s");
  CHECK(told(refusal, batch) == "E");
  CHECK(refusal.skips());
  batch.clear();
  write_execute(batch, {});
  write_sync(batch);
  CHECK(told(refusal, batch) == "-Z");
  CHECK_FALSE(refusal.skips());
}

TEST_CASE("what COPY IN does not allow ends the session, after an error") {
  Life life;
  ByteBuffer out;
  end_copy_violation(out, life);
  CHECK(out[0] == 'E');
  CHECK(life.is_over());
  CHECK(life.reason == Reason::protocol_violation);
}

TEST_CASE("the first reason for which a session ends is the one that counts") {
  Life life;
  life.end(Reason::idle_timeout);
  life.end(Reason::client_lost, "later");
  CHECK(life.reason == Reason::idle_timeout);
  CHECK(life.message().empty());
}

TEST_CASE("a client that a reload has locked out is not told of a server or a login") {
  Life life;
  end_refused(life, {"", "the user is gone", true, BackendLoginResult::refused, true});
  CHECK(life.reason == Reason::not_allowed);
  CHECK(life.message() == "permission denied: the user is gone (pgweir was reloaded)");
}

TEST_CASE("a client that waits for a server which refuses logins is told why") {
  Life life;
  end_refused(life, {"28P01", "wrong password", true});
  CHECK(life.reason == Reason::server_unreachable);
  CHECK(life.message() == "logging in to the database server failed: wrong password");
}
