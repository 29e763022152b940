#include "proxy/request/sequence_guard.hpp"

#include <catch2/catch.hpp>

#include "../relay_script.hpp"

using namespace pgweir;
using test::RelayScript;

namespace {

struct Guarded : RelayScript {
  Guarded() { exchange.sequences.number = 7; }
};

}  // namespace

TEST_CASE("who takes a sequence's value has the backend's values from then on") {
  Guarded relay;
  relay.run("> Q(select nextval('s')) < C(SELECT 1) Z(I)");
  CHECK(relay.server() == "Q(select nextval('s'))");
  CHECK(relay.backend().sequence_owner == 7);
  CHECK(relay.exchange.sequences.advanced);
}

TEST_CASE("another session's values are discarded before they could be asked for") {
  Guarded relay;
  relay.backend().sequence_owner = 3;
  relay.run("> Q(select currval('s'))");
  CHECK(relay.server() == "Q(DISCARD SEQUENCES) Q(select currval('s'))");
  relay.run("< C(DISCARD SEQUENCES) Z(I) E(55000,not yet defined) Z(I)");
  CHECK(relay.client() == "E(55000) Z(I)");
  CHECK(relay.backend().sequence_owner == 7);
}

TEST_CASE("where nobody asks for values they only get mixed") {
  Guarded relay;
  relay.backend().sequence_owner = 3;
  relay.run("> Q(select nextval('s'))");
  CHECK(relay.server() == "Q(select nextval('s'))");
  CHECK(relay.backend().sequence_mixed);
}

TEST_CASE("what was advanced unseen belongs to the session, too") {
  Guarded relay;
  SequenceGuard(relay.exchange).note_advance();
  CHECK(relay.backend().sequence_owner == 7);
  CHECK(relay.exchange.watch.marks.contains(Mark::advances_sequence));
}
