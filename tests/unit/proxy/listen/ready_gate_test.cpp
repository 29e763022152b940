#include "proxy/listen/ready_gate.hpp"

#include <catch2/catch.hpp>

using namespace pgweir;

TEST_CASE("a transaction that notifies nobody needs one round trip, which begins with it") {
  ReadyGate gate;
  CHECK(gate.begin_transaction());
  CHECK_FALSE(gate.begin_transaction());
  CHECK_FALSE(gate.needs_round_trip());
  CHECK_FALSE(gate.may_pass());
  CHECK(gate.is_waiting());
  gate.came_back();
  gate.resume();
  CHECK_FALSE(gate.is_waiting());
  CHECK(gate.take_resume());
  CHECK_FALSE(gate.take_resume());
  CHECK_FALSE(gate.needs_round_trip());
  CHECK(gate.may_pass());
  gate.settle(true);
  CHECK(gate.begin_transaction());
}

TEST_CASE("the hub's answer to something else is as good as a round trip at the beginning") {
  ReadyGate gate;
  gate.note_answer();
  CHECK_FALSE(gate.begin_transaction());
  CHECK_FALSE(gate.needs_round_trip());
  CHECK(gate.may_pass());
}

TEST_CASE("a transaction that may notify, or whose beginning was not seen, needs one more at its end") {
  const bool notifies = GENERATE(true, false);
  ReadyGate gate;
  if (notifies) {
    CHECK(gate.begin_transaction());
    gate.note_may_notify();
    gate.came_back();
  }
  CHECK(gate.needs_round_trip());
  CHECK_FALSE(gate.needs_round_trip());
  CHECK_FALSE(gate.may_pass());
  gate.came_back();
  CHECK(gate.may_pass());
  gate.settle(true);
  CHECK(gate.begin_transaction());
  CHECK_FALSE(gate.needs_round_trip());
}

TEST_CASE("what began early counts up to the next ReadyForQuery, NOTIFY up to the transaction's end") {
  ReadyGate gate;
  CHECK(gate.begin_transaction());
  gate.came_back();
  gate.note_may_notify();
  gate.settle(false);
  CHECK(gate.needs_round_trip());
  gate.came_back();
  gate.settle(true);
  gate.note_answer();
  CHECK_FALSE(gate.needs_round_trip());
}

TEST_CASE("whoever has to wait for something else is resumed, and whoever does not wait is not") {
  ReadyGate gate;
  gate.resume();
  CHECK_FALSE(gate.take_resume());
  gate.wait();
  CHECK(gate.is_waiting());
  gate.resume();
  CHECK(gate.take_resume());
}
